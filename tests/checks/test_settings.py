"""The values of settings, the paths in them, and their names."""

import sys

import pytest

from phone_referrals.checks import registry, site
from phone_referrals.checks.settings import Whole
from phone_referrals.referrals import checks as referrals
from phone_referrals.signin import checks as signin
from tests.checks.reports import only, reports

TABLE = {**site.SETTINGS, **signin.SETTINGS, **referrals.SETTINGS}
RANGES = {name: (each.least, each.greatest) for name, (each, _) in TABLE.items() if isinstance(each, Whole)}


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
    assert (message.id, message.is_serious()) == ("phone_referrals.W008", False)
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
    name = f"PHONE_REFERRALS_{name}"
    setattr(settings, name, value)
    (message,) = registry.check_settings()
    assert message.id == "phone_referrals.E001"
    shown = "a list" if name == "PHONE_REFERRALS_TEST_NUMBERS" else repr(value)
    assert message.msg.startswith(f"The setting {name} is wrong: it is {shown}, which is no ")
    assert message.hint.startswith(f"Write {name} = {TABLE[name][1]}. ")


def test_the_line_to_write_is_right():
    for name, (faults, example) in TABLE.items():
        assert [*faults(eval(example))] == [], name  # noqa: S307 - our own


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name, (least, greatest) in RANGES.items()
        for value in (least - 1, greatest + 1, "many", None, float("inf"))
    ],
)
def test_a_limit_out_of_range(settings, name, value):
    setattr(settings, name, value)
    least, greatest = RANGES[name]
    assert reports("phone_referrals.E001", name, f"{value!r}, which is no whole number from {least} to {greatest}")


@pytest.mark.parametrize(("name", "bounds"), RANGES.items())
def test_a_limit_at_the_edge_of_its_range(settings, name, bounds):
    for value in bounds:
        setattr(settings, name, value)
        assert registry.check_settings() == []


@pytest.mark.parametrize(("digits", "allowed"), [(4, True), (1, True), (0, False), (11, False)])
def test_codes_may_be_short_while_they_are_echoed(settings, digits, allowed):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    settings.PHONE_REFERRALS_CODE_DIGITS = digits
    assert (registry.check_settings() == []) is allowed


def test_a_limit_out_of_range_is_told_with_its_value_and_reason(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 4
    (message,) = registry.check_settings()
    assert message.msg.startswith("The setting PHONE_REFERRALS_CODE_DIGITS is wrong: it is 4, ")
    assert message.hint.startswith("Write PHONE_REFERRALS_CODE_DIGITS = 6. ")
    assert "NIST SP 800-63B asks for 20 bits" in message.hint


@pytest.mark.parametrize(
    "setting", ["ACCOUNTS", "CODE_GENERATOR", "SMS_BACKEND", "TOKEN_ISSUER", "USERS_PERMISSION", "REDEEM_RULES"]
)
@pytest.mark.parametrize("path", ["nowhere.at_all", "phone_referrals.conf.Nothing", "no_dots"])
def test_a_path_that_cannot_be_imported(settings, setting, path):
    setattr(settings, f"PHONE_REFERRALS_{setting}", [path] if setting == "REDEEM_RULES" else path)
    assert reports("phone_referrals.E002", f"PHONE_REFERRALS_{setting}", repr(path))


def test_every_rule_is_imported(settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = ["math.ceil", "math.cell", "math.flor"]
    assert [message.id for message in registry.check_settings()] == ["phone_referrals.E002"] * 2


def test_a_guard_that_cannot_be_imported(settings):
    settings.PHONE_REFERRALS_SEND_GUARDS = ["nowhere.captcha"]
    assert reports("phone_referrals.E002", "PHONE_REFERRALS_SEND_GUARDS", "'nowhere.captcha'")


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
    assert message.id == "phone_referrals.E002"
    assert f'pip install "django-phone-referrals[{extra}]"' in message.hint
