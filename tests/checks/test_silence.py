import sys
from types import ModuleType

import pytest
from django.contrib import admin
from django.urls import include, path
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import api_view
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from phone_referrals import checks
from phone_referrals.checks import ids as check_ids
from phone_referrals.checks.silence import SHAPES
from phone_referrals.profiles.views import UserListView
from phone_referrals.signin.backend import PhoneCodeBackend

PAGES = "tests.pages.urls"
BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


class OwnBackend(PhoneCodeBackend):
    """A site's own, which takes no passwords either."""


def only():
    """Return the one message of the checks."""
    (message,) = checks.check_settings()
    assert message.hint.endswith(".")
    return message


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PHONE_REFERRALS_CODE_DIGIT", "Write PHONE_REFERRALS_CODE_DIGITS:"),
        ("PHONE_REFERRALS_SMS_DAILYLIMIT", "Write PHONE_REFERRALS_SMS_DAILY_LIMIT:"),
        ("PHONE_REFERRALS_ALOWED_REGIONS", "Write PHONE_REFERRALS_ALLOWED_REGIONS:"),
        ("PHONE_REFERRALS_XYZZY", "Remove it:"),
    ],
)
def test_a_name_that_nothing_reads_is_told_with_the_nearest(settings, name, nearest):
    setattr(settings, name, 1)
    message = only()
    assert (message.id, message.is_serious()) == (check_ids.SETTING_UNKNOWN, False)
    assert message.msg == f"Nothing reads the setting {name}."
    assert message.hint.startswith(nearest)


WRONG = [
    ("ALLOWED_REGIONS", 7),
    ("MIN_CONVERSION", 0.2),
    ("MIN_CONVERSION", (100,)),
    ("MIN_CONVERSION", ("100", "0.2")),
    ("NUMBER_TYPES", None),
    ("NUMBER_TYPES", [["mobile"]]),
    ("REDEEM_RULES", "accounts.rules.may_redeem"),
    ("RESEND_WAIT", 30),
    ("RESEND_WAIT", ("30", "3600")),
    ("RESEND_WAIT", (0, 3600)),
    ("RESEND_WAIT", (60, 30)),
    ("RESEND_WAIT", (30, 86401)),
    ("SEND_GUARDS", "accounts.guards.Captcha"),
    ("TEST_NUMBERS", ["+12015550123"]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_malformed_setting_is_one_error_with_the_line(settings, name, value):
    setattr(settings, f"PHONE_REFERRALS_{name}", value)
    message = only()
    assert message.id == check_ids.SETTING_MALFORMED
    shown = "a list" if name == "TEST_NUMBERS" else repr(value)
    assert message.msg.startswith(f"PHONE_REFERRALS_{name} is {shown}, which is no ")
    assert message.hint == f"Write PHONE_REFERRALS_{name} = {SHAPES[name][2]}."


def test_every_shape_is_tried():
    assert {name for name, _ in WRONG} == SHAPES.keys()


def test_the_line_to_write_is_right(settings):
    for name, (fits, _, example) in SHAPES.items():
        assert fits(eval(example)), name  # noqa: S307 - our own


def test_a_limit_out_of_range_is_told_with_its_value_and_reason(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 4
    message = only()
    assert message.msg.startswith("PHONE_REFERRALS_CODE_DIGITS is 4; ")
    assert message.hint.startswith("Write PHONE_REFERRALS_CODE_DIGITS = 6. ")
    assert "NIST SP 800-63B asks for 20 bits" in message.hint


@pytest.mark.parametrize(
    ("setting", "path", "extra"),
    [
        ("TOKEN_ISSUER", "phone_referrals.tokens.jwt.JWTIssuer", "jwt"),
        ("TOKEN_ISSUER", "phone_referrals.tokens.knox.KnoxTokenIssuer", "knox"),
        ("SMS_BACKEND", "phone_referrals.sms.apprise.SmsBackend", "apprise"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(settings, monkeypatch, setting, path, extra):
    monkeypatch.setitem(sys.modules, path.rpartition(".")[0], None)  # As where it cannot be imported.
    setattr(settings, f"PHONE_REFERRALS_{setting}", path)
    message = only()
    assert message.id == check_ids.PATH_NOT_IMPORTABLE
    assert f'pip install "django-phone-referrals[{extra}]"' in message.hint


def test_a_link_without_the_code_is_refused(settings):
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://example.com/join/"
    message = only()
    assert message.id == check_ids.LINK_WITHOUT_CODE
    assert "'https://example.com/join/'" in message.msg
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://example.com/join/{code}/"
    assert checks.check_settings() == []


def test_a_site_without_rest_framework_among_its_apps_is_told(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework"]
    assert only().id == check_ids.REST_FRAMEWORK_MISSING


def test_the_apps_of_a_site_may_be_a_tuple(settings):
    settings.INSTALLED_APPS = tuple(settings.INSTALLED_APPS)
    assert checks.check_settings() == []


@pytest.mark.parametrize("templates", [[], [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]])
def test_a_site_that_finds_no_templates_of_apps_is_told(settings, templates):
    settings.TEMPLATES = templates
    assert only().id == check_ids.TEMPLATES_MISSING


@pytest.mark.parametrize("backends", [[BACKEND], [BACKEND, f"{__name__}.OwnBackend"]])
def test_an_admin_that_takes_no_password_is_told(settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    message = only()
    assert (message.id, message.is_serious()) == (check_ids.PASSWORDS_REFUSED, False)


def test_a_site_without_an_admin_needs_no_password(settings):
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"]
    assert checks.check_settings() == []


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
    assert checks.check_settings() == []
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("own/", include([path("orders/", own_orders)]))]
    message = only()
    assert (message.id, message.is_serious()) == (check_ids.TOKEN_REFUSED, False)
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
    assert checks.check_settings() == []


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
    message = only()
    assert (message.id, message.is_serious()) == (check_ids.TOKEN_ACCEPTED_LATE, False)
    assert theirs in message.msg
    ours = f"phone_referrals.tokens.{ours}"
    assert f'"{ours}"' in message.hint
    for classes in ([ours], [ours, theirs]):  # The first refuses for both.
        settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}
        assert checks.check_settings() == []


def test_a_session_that_has_ended_is_accepted_by_nobody(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("orders/", own_orders)]
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]
    }
    assert checks.check_settings() == []


@pytest.fixture
def site_with_pages(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    settings.STATIC_URL = "static/"
    settings.ROOT_URLCONF = PAGES
    assert checks.check_settings() == []
    return settings


def test_pages_need_a_session_that_is_kept(site_with_pages):
    site_with_pages.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert only().id == check_ids.PAGES_WITHOUT_SESSION


def test_pages_need_the_middleware_of_sessions(site_with_pages):
    site_with_pages.MIDDLEWARE = [each for each in site_with_pages.MIDDLEWARE if "sessions" not in each]
    assert only().id == check_ids.PAGES_WITHOUT_SESSION


def test_pages_should_have_their_static_files(site_with_pages):
    site_with_pages.INSTALLED_APPS = [app for app in site_with_pages.INSTALLED_APPS if "staticfiles" not in app]
    message = only()
    assert (message.id, message.is_serious()) == (check_ids.PAGES_WITHOUT_STATIC_FILES, False)


def test_a_site_without_pages_needs_neither(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert checks.check_settings() == []
