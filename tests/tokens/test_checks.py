import sys
from types import ModuleType

import pytest
from django.contrib import admin
from django.urls import include, path
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import api_view
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from phone_referrals.checks import registry
from phone_referrals.profiles.views import UserListView
from phone_referrals.tokens import DRFTokenIssuer, checks, jwt
from tests.checks.reports import reports


def test_the_app_of_the_token_issuer_is_not_installed(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"]
    assert reports("phone_referrals.E018", "DRFTokenIssuer", "rest_framework.authtoken")


class IssuerWithoutApp(DRFTokenIssuer):
    required_app = ""


def test_an_issuer_may_need_no_app(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"{__name__}.IssuerWithoutApp"
    assert registry.check_settings() == []


def test_a_site_has_to_refuse_to_refresh_what_was_ended(settings, monkeypatch):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.jwt.JWTIssuer"
    assert [*checks.check()] == []
    monkeypatch.setattr(
        jwt.api_settings, "TOKEN_REFRESH_SERIALIZER", "rest_framework_simplejwt.serializers.TokenRefreshSerializer"
    )
    [message] = checks.check()
    assert message.id == "phone_referrals.E019"
    assert message.is_serious()
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.DRFTokenIssuer"
    assert [*checks.check()] == []


def test_refreshing_is_not_checked_without_simplejwt(monkeypatch):
    monkeypatch.setitem(sys.modules, jwt.__name__, None)  # As where it cannot be imported.
    assert registry.check_settings() == []


class OwnListView(UserListView):
    """A site's own, which accepts the tokens."""


@api_view()
def own_orders(request):
    """A view of the site's own API."""


def test_a_token_that_the_sites_own_api_refuses_is_told(settings):
    settings.REST_FRAMEWORK = {}  # Sessions and passwords, by default.
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [
        path("list/", OwnListView.as_view()),
        path("api/", include("phone_referrals.urls")),
        path("admin/", admin.site.urls),
    ]
    assert registry.check_settings() == []
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("own/", include([path("orders/", own_orders)]))]
    (message,) = registry.check_settings()
    assert (message.id, message.is_serious()) == ("phone_referrals.W009", False)
    assert 'REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]' in message.hint
    assert "TokenAuthentication" in message.hint


@pytest.mark.parametrize(
    "attributes",
    [
        {"permission_classes": [AllowAny]},
        {"authentication_classes": []},
        {"authentication_classes": [TokenAuthentication]},
    ],
)
def test_a_view_that_asks_for_no_user_by_default_is_let_be(settings, attributes):
    settings.REST_FRAMEWORK = {}
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("own/", type("View", (APIView,), attributes).as_view())]
    assert registry.check_settings() == []


@pytest.mark.parametrize(
    ("issuer", "theirs", "ours"),
    [
        ("DRFTokenIssuer", "rest_framework.authentication.TokenAuthentication", "drf.TokenAuthentication"),
        ("jwt.JWTIssuer", "rest_framework_simplejwt.authentication.JWTAuthentication", "jwt.JWTAuthentication"),
    ],
)
def test_a_class_that_accepts_ended_tokens_is_told(settings, issuer, theirs, ours):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{issuer}"
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("orders/", own_orders)]
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [theirs]}
    (message,) = registry.check_settings()
    assert (message.id, message.is_serious()) == ("phone_referrals.W012", False)
    assert theirs in message.msg
    ours = f"phone_referrals.tokens.{ours}"
    assert f'"{ours}"' in message.hint
    for classes in ([ours], [ours, theirs]):  # The first refuses for both.
        settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}
        assert registry.check_settings() == []


def test_a_session_that_has_ended_is_accepted_by_nobody(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("orders/", own_orders)]
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]
    }
    assert registry.check_settings() == []


def test_sessions_in_cookies_alone_are_refused(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert "phone_referrals.E022" in [each.id for each in checks.check()]
