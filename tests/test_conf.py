import pytest
from django.conf import settings as django_settings

from phone_referrals.conf import Conf, conf

# Property, default, another value.
SETTINGS = [
    ("phone_field", "phone_number", "mobile"),
    ("accounts", "phone_referrals.accounts.PhoneAccounts", "site.Accounts"),
    ("allow_staff", False, True),
    ("users_permission", "phone_referrals.profiles.permissions.OwnNetwork", "site.Permission"),
    ("token_issuer", "phone_referrals.tokens.DRFTokenIssuer", "site.Issuer"),
    ("recent_sign_in", 600, 60),
    ("allowed_regions", (), ["US", "CA"]),
    ("number_types", ("mobile", "fixed_line_or_mobile"), ["mobile"]),
    ("test_numbers", {}, {"+12015550123": {"code": "123456", "until": "2027-01-31"}}),
    ("code_digits", 6, 8),
    ("code_lifetime", 600, 300),
    ("messages_per_day", 10, 5),
    ("resend_wait", (30, 3600), (60, 1800)),
    ("sms_backend", "phone_referrals.sms.console.SmsBackend", "site.SmsBackend"),
    ("apprise_url", "", "twilio://AC1:token@12015550123/{phone_number}"),
    ("site_host", "", "example.com"),
    ("sms_android_hash", "", "FA+9qCX9VSu"),
    ("sms_queue", "", "sms"),
    ("send_guards", (), ["site.captcha"]),
    ("sms_daily_limit", {"*": 500}, {"total": 5000, "*": 100, "CA": 2000, "RU": None}),
    ("min_conversion", None, (100, 0.2)),
    ("echo_code", False, True),
    ("code_generator", "phone_referrals.referrals.codes.generate", "site.generate"),
    ("redeem_rules", (), ["site.rule"]),
    ("referral_link", "", "https://example.com/{code}"),
]


@pytest.fixture(autouse=True)
def nothing_set(settings):
    for name in dir(django_settings):
        if name.startswith("PHONE_REFERRALS_"):
            delattr(settings, name)


def test_the_table_has_every_setting():
    assert [name for name in vars(Conf) if not name.startswith("_")] == [name for name, *_ in SETTINGS]


@pytest.mark.parametrize(("name", "default", "_"), SETTINGS)
def test_the_default_of(name, default, _):
    assert getattr(conf, name) == default
    assert type(getattr(conf, name)) is type(default)


@pytest.mark.parametrize(("name", "_", "value"), SETTINGS)
def test_a_setting_is_named_as_its_property_and_read_late(settings, name, _, value):
    setattr(settings, f"PHONE_REFERRALS_{name.upper()}", value)
    assert getattr(conf, name) == value


@pytest.mark.parametrize("name", [name for name, *_ in SETTINGS])
def test_a_setting_says_what_it_means(name):
    assert getattr(Conf, name).__doc__.rstrip().endswith(".")


def test_all_regions_are_served_while_a_site_is_developed(settings):
    settings.DEBUG = True
    assert conf.allowed_regions == "*"


@pytest.mark.parametrize(("value", "number"), [("8", 8), (8.0, 8)])
def test_a_number_may_be_text_as_the_environment_gives_it(settings, value, number):
    settings.PHONE_REFERRALS_CODE_DIGITS = value
    assert conf.code_digits == number


@pytest.mark.parametrize(("value", "queue"), [(True, "default"), (False, ""), ("sms", "sms")])
def test_a_queue_needs_no_name(settings, value, queue):
    settings.PHONE_REFERRALS_SMS_QUEUE = value
    assert conf.sms_queue == queue


def test_a_region_that_no_limit_names_has_one_all_the_same(settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"CA": 2000}
    assert conf.sms_daily_limit == {"*": 500, "CA": 2000}
