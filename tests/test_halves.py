"""Which half is on, by the URLs of a site."""

from types import ModuleType

import pytest
from django.urls import include, path, re_path

from phone_referrals import halves


def of_app(app, *names, namespace=None):
    return include(([path(f"{name}/", print, name=name) for name in names], app), namespace=namespace)


SIGN_IN, REFERRALS = of_app("phone_referrals", "get_verify_code", "auth"), of_app("phone_referrals", "referrals")
SIGN_IN_PAGES = of_app("phone_referrals_pages", "sign_in", namespace="account")
REFERRAL_PAGES = of_app("phone_referrals_pages", "invite")


def on():
    return {half for half in ("signin", "referrals") if halves.on(half)}


@pytest.fixture
def site(settings):
    """Let these be the patterns of a site with passwords alone; return the halves that are on."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "nowhere.Backend"]

    def site(*patterns):
        settings.ROOT_URLCONF = ModuleType("urls")
        settings.ROOT_URLCONF.urlpatterns = list(patterns)
        return on()

    return site


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (SIGN_IN, {"signin"}),
        (SIGN_IN_PAGES, {"signin"}),
        (REFERRALS, {"referrals"}),
        (REFERRAL_PAGES, {"referrals"}),
        (include("phone_referrals.urls"), {"signin", "referrals"}),
        (include("phone_referrals.pages.urls"), {"signin", "referrals"}),
    ],
)
def test_a_half_is_on_below_any_prefix(site, urls, expected):
    assert site(path("api/", urls)) == expected
    assert site(re_path(r"^(?P<version>v1|v2)/", include([path("<slug:tenant>/", urls)]))) == expected
    assert site(path("v1/", include(([path("api/", urls)], "shop")))) == expected


def test_a_site_that_signs_in_by_phone_on_a_subdomain_has_that_half(site, settings):
    assert site(path("invitations/", REFERRAL_PAGES)) == {"referrals"}
    settings.AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend"]
    assert on() == {"referrals", "signin"}


def test_each_half_is_on_in_a_place_of_its_own(site):
    assert site(path("api/", SIGN_IN), path("account/", REFERRAL_PAGES)) == {"signin", "referrals"}


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        [path("sign_in/", print, name="sign_in"), path("referrals/", print, name="referrals")],
        [path("shop/", of_app("shop", "get_verify_code"))],
    ],
)
def test_a_site_without_our_urls_has_both_halves(site, patterns):
    assert site(*patterns) == {"signin", "referrals"}


def test_a_project_without_urls_has_both_halves(settings):
    del settings.ROOT_URLCONF
    assert on() == {"signin", "referrals"}


def test_the_urls_are_read_once(site, monkeypatch):
    assert site(path("api/", SIGN_IN)) == {"signin"}
    monkeypatch.setattr(halves, "routes", None)
    assert on() == {"signin"}
