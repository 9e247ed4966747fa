"""A half that is off gives no messages; the ids of the checks."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from django.core.checks import ERROR
from django.urls import include, path

import phone_referrals
from phone_referrals.checks import registry
from tests.checks.reports import ids


def test_nothing_is_wrong_with_the_test_site():
    assert registry.check_settings() == []
    assert [each for each in registry.check_deployment() if each.level >= ERROR] == []


def test_each_check_has_an_id_of_its_own_without_gaps():
    sources = [file.read_text() for file in Path(phone_referrals.__file__).parent.rglob("*.py")]
    found = [each for text in sources for each in re.findall(r'id="phone_referrals\.([EIW])(\d{3})"', text)]
    for level in "EIW":
        numbers = sorted(int(number) for each, number in found if each == level)
        assert numbers == list(range(1, len(numbers) + 1)), level


# Wrong in each half: a site with the other half alone hears nothing of it.
WRONG_SIGN_IN = {
    "AUTH_USER_MODEL": "auth.User",
    "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
    "PHONENUMBER_DB_FORMAT": "NATIONAL",
    "PHONE_REFERRALS_ALLOWED_REGIONS": None,
    "PHONE_REFERRALS_ECHO_CODE": True,
    "PHONE_REFERRALS_SMS_BACKEND": "nowhere.SmsBackend",
    "PHONE_REFERRALS_TOKEN_ISSUER": "nowhere.Issuer",
}
WRONG_REFERRALS = {
    "PHONE_REFERRALS_REDEEM_RULES": "accounts.rules.may_redeem",
    "PHONE_REFERRALS_REFERRAL_LINK": "https://example.com/join/",
    "MIDDLEWARE": [],
}


@pytest.fixture
def half(in_production):
    """A site in production with the URLs of one half, and these settings."""

    def half(app, name, wrong):
        in_production.ROOT_URLCONF = ModuleType("urls")
        in_production.ROOT_URLCONF.urlpatterns = [path("api/", include(([path("x/", print, name=name)], app)))]
        for setting, value in wrong.items():
            setattr(in_production, setting, value)

    return half


@pytest.mark.parametrize(
    ("app", "name", "wrong"),
    [
        ("phone_referrals", "referrals", WRONG_SIGN_IN),
        ("phone_referrals", "get_verify_code", WRONG_REFERRALS),
    ],
)
def test_a_site_with_one_half_hears_nothing_of_the_other(half, app, name, wrong):
    half(app, name, wrong)
    assert registry.check_settings() == registry.check_deployment() == []
    half(app, "nothing", wrong)
    assert ids(registry.check_settings())


def test_a_site_with_referrals_alone_needs_no_tokens(half, settings):
    half("phone_referrals", "referrals", {})
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"]
    assert registry.check_settings() == []
