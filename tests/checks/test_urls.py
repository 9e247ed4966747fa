"""Sites whose own patterns match before those of the package, and sites that only look so."""

from types import ModuleType

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import TemplateView

from phone_referrals.checks import registry
from phone_referrals.checks.site import shadowed_urls
from phone_referrals.profiles.views import UserListView
from tests.hosts.catch_all.views import page
from tests.hosts.users_router.router import router

API, PAGES = include("phone_referrals.urls"), include("phone_referrals.pages.urls")


class OwnUserListView(UserListView):
    """A site's own."""


class Narrow(StringConverter):
    regex = "narrow-[0-9]{3}"


register_converter(Narrow, "narrow")
CATCH_ALL = re_path(r"^(?P<path>.*)$", page)


@pytest.fixture
def site(settings):
    """Let these be the patterns of the site."""

    def site(*patterns):
        settings.ROOT_URLCONF = ModuleType("urls")
        settings.ROOT_URLCONF.urlpatterns = list(patterns)
        return [*shadowed_urls()]

    return site


def test_a_router_with_users_before_the_api_is_named(site):
    (message,) = site(path("api/", include(router.urls)), path("api/", API))
    assert message.id == "phone_referrals.E005"
    assert "tests.hosts.users_router.router.UserViewSet, at " in message.msg
    assert "phone_referrals:get_verify_code" in message.msg
    assert "phone_referrals:referrals" not in message.msg
    assert 'path("api/phone/", include("phone_referrals.urls"))' in message.hint


def test_a_catch_all_before_the_pages_is_named(site):
    (message,) = site(path("api/", API), CATCH_ALL, path("account/", PAGES))
    assert message.id == "phone_referrals.E005"
    assert "tests.hosts.catch_all.views.page, at '^(?P<path>.*)$'" in message.msg
    assert "phone_referrals_pages:sign_in" in message.msg
    assert "phone_referrals:" not in message.msg


@pytest.mark.parametrize(
    "patterns",
    [
        [path("api/", API), path("account/", PAGES), path("api/", include(router.urls)), CATCH_ALL],
        [path("api/", include(router.urls)), path("api/phone/", API)],
        [path("api/users/", OwnUserListView.as_view()), path("api/", API)],
        [re_path(r"^api/(?P<version>v1|v2)/", API), CATCH_ALL],
        [re_path(r"^api/(v1)/", API), CATCH_ALL],
        [path("<slug:tenant>/<int:number>/<uuid:key>/account/", PAGES), CATCH_ALL],
        [path("<narrow:tenant>/", API), CATCH_ALL],
        [path("v1/", include(([path("api/", API), path("account/", PAGES)], "shop"))), CATCH_ALL],
        [path("api/", include(([path("more/", OwnUserListView.as_view())], "phone_referrals")))],
        i18n_patterns(path("account/", PAGES)),
        [],
    ],
)
def test_urls_that_reach_their_views(site, patterns):
    assert site(*patterns) == []


def test_a_catch_all_is_found_behind_a_prefix_that_captures(site):
    (message,) = site(CATCH_ALL, re_path(r"^api/(?P<version>v1|v2)/", API))
    assert message.id == "phone_referrals.E005"


def test_pages_that_are_functions_are_named_by_what_hides_them(site):
    (message,) = site(CATCH_ALL, path("account/", PAGES))
    assert message.id == "phone_referrals.E005"
    assert "phone_referrals_pages:set_language" in message.msg
    (message,) = site(re_path(r"^(?P<path>.*)$", TemplateView.as_view()), path("account/", PAGES))
    assert "TemplateView, at " in message.msg


def test_a_site_below_a_prefix_of_its_server_is_walked_too(site, settings):
    from django.urls import set_script_prefix

    set_script_prefix("/site/")
    try:
        assert site(path("api/", API)) == []
        assert [each.id for each in site(CATCH_ALL, path("api/", API))] == ["phone_referrals.E005"]
    finally:
        set_script_prefix("/")


def test_a_site_without_urls_has_none_that_are_shadowed(settings):
    del settings.ROOT_URLCONF
    assert registry.check_settings() == []
