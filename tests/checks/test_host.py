import sys
from enum import IntEnum

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import ERROR
from django.db import connection

from phone_referrals import checks
from phone_referrals.accounts import PhoneAccounts
from phone_referrals.checks import host
from phone_referrals.checks import ids as check_ids
from phone_referrals.checks.host import BACKEND
from phone_referrals.checks.messages import RANGES
from phone_referrals.signin.backend import PhoneCodeBackend
from phone_referrals.tokens import jwt
from tests.checks.reports import reports
from tests.hosts.phone_first.models import Profile


class Level(IntEnum):
    """As psycopg's."""

    READ_COMMITTED = 2
    SERIALIZABLE = 4


def test_nothing_is_wrong_with_the_test_site():
    assert checks.check_settings() == []
    assert [each for each in checks.check_deployment() if each.level >= ERROR] == []


@pytest.mark.parametrize(
    "path",
    [
        "mobile",
        "profile__mobile",
        "nothing__phone",
        "password__phone",
        "profile__phone__country",
        "groups__name",
        "auth_token__user__phone_number",
    ],
)
def test_a_phone_field_that_is_not_there(settings, path):
    settings.PHONE_REFERRALS_PHONE_FIELD = path
    assert reports(check_ids.PHONE_FIELD_MISSING, "phone_first.User", repr(path))


def test_a_user_model_without_the_mixin(settings):
    settings.AUTH_USER_MODEL = "contenttypes.ContentType"
    assert reports(check_ids.PHONE_FIELD_MISSING, "contenttypes.ContentType", "'phone_number'")


def test_a_phone_field_has_to_be_a_unique_one(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "password"
    assert reports(check_ids.PHONE_FIELD_NOT_UNIQUE, "'password'", "phone_first.User")


def test_a_phone_field_may_be_unique_by_a_constraint_of_a_related_model(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    assert checks.check_settings() == []


@pytest.mark.parametrize("name", ["PHONENUMBER_DB_FORMAT", "PHONENUMBER_DEFAULT_FORMAT"])
@pytest.mark.parametrize("value", ["NATIONAL", "e164", None])
def test_a_format_that_loses_the_country_code(settings, name, value):
    setattr(settings, name, value)
    assert reports(check_ids.PHONE_FORMAT_WRONG, name, repr(value))


@pytest.mark.parametrize("value", ["E164", "INTERNATIONAL", "RFC3966"])
def test_a_format_that_keeps_the_country_code(settings, value):
    settings.PHONENUMBER_DB_FORMAT = settings.PHONENUMBER_DEFAULT_FORMAT = value
    assert checks.check_settings() == []


@pytest.mark.parametrize(("path", "model"), [("phone_number", get_user_model()), ("profile__phone", Profile)])
def test_a_phone_is_no_primary_key(settings, monkeypatch, path, model):
    settings.PHONE_REFERRALS_PHONE_FIELD = path
    monkeypatch.setattr(model._meta.get_field(path.split("__")[-1]), "primary_key", True)
    assert reports(check_ids.PHONE_FIELD_IS_KEY, repr(path), "phone_first.User")


@pytest.mark.parametrize(("length", "is_right"), [(11, False), (15, False), (16, True), (None, True)])
def test_a_column_has_room_for_every_number(settings, monkeypatch, length, is_right):
    monkeypatch.setattr(get_user_model()._meta.get_field("phone_number"), "max_length", length)
    assert (checks.check_settings() == []) is is_right
    assert is_right or reports(check_ids.PHONE_FIELD_TOO_SHORT, str(length), "16")


@pytest.mark.parametrize(
    "setting", ["ACCOUNTS", "CODE_GENERATOR", "SMS_BACKEND", "TOKEN_ISSUER", "USERS_PERMISSION", "REDEEM_RULES"]
)
@pytest.mark.parametrize("path", ["nowhere.at_all", "phone_referrals.conf.Nothing", "no_dots"])
def test_a_path_that_cannot_be_imported(settings, setting, path):
    setattr(settings, f"PHONE_REFERRALS_{setting}", [path] if setting == "REDEEM_RULES" else path)
    assert reports(check_ids.PATH_NOT_IMPORTABLE, f"PHONE_REFERRALS_{setting}", repr(path))


def test_every_rule_is_imported(settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = ["math.ceil", "math.cell", "math.flor"]
    assert [message.id for message in checks.check_settings()] == [check_ids.PATH_NOT_IMPORTABLE] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (least, greatest) in RANGES.items() for value in (least - 1, greatest + 1, "many", None)],
)
def test_a_limit_out_of_range(settings, name, value):
    setattr(settings, f"PHONE_REFERRALS_{name.upper()}", value)
    least, greatest = RANGES[name]
    assert reports(check_ids.LIMIT_OUT_OF_RANGE, f"PHONE_REFERRALS_{name.upper()}", f"from {least} to {greatest}")


@pytest.mark.parametrize(("name", "bounds"), RANGES.items())
def test_a_limit_at_the_edge_of_its_range(settings, name, bounds):
    for value in bounds:
        setattr(settings, f"PHONE_REFERRALS_{name.upper()}", value)
        assert checks.check_settings() == []


@pytest.mark.parametrize(("digits", "allowed"), [(4, True), (1, True), (0, False), (11, False)])
def test_codes_may_be_short_while_they_are_echoed(settings, digits, allowed):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    settings.PHONE_REFERRALS_CODE_DIGITS = digits
    assert (checks.check_settings() == []) is allowed


def test_the_app_of_the_token_issuer_is_not_installed(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"]
    assert reports(check_ids.TOKEN_APP_MISSING, "DRFTokenIssuer", "rest_framework.authtoken")


class IssuerWithoutApp:
    """All that a host's own issuer must say about apps."""


def test_an_issuer_may_need_no_app(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"{__name__}.IssuerWithoutApp"
    assert checks.check_settings() == []


class HostBackend(PhoneCodeBackend):
    pass


@pytest.mark.parametrize(
    "backends",
    [
        [],
        ["django.contrib.auth.backends.ModelBackend"],
        ["nowhere.Backend", "phone_referrals.signin.backend.prove"],
    ],
)
def test_no_backend_signs_in_by_phone(settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    assert reports(check_ids.BACKEND_MISSING, "AUTHENTICATION_BACKENDS")


@pytest.mark.parametrize("backend", [BACKEND, f"{__name__}.HostBackend"])
def test_a_backend_that_signs_in_by_phone_may_be_a_subclass_and_come_last(settings, backend):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", backend]
    assert checks.check_settings() == []


@pytest.mark.parametrize(
    ("regions", "named"), [("US", "US"), (["US", "XX"], ": XX."), (["us"], "us"), (["UK", "EN"], "UK, EN"), ([1], "1")]
)
def test_regions_that_do_not_exist(settings, regions, named):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert reports(check_ids.REGIONS_UNKNOWN, named)


@pytest.mark.parametrize("regions", ["*", ["US"], {"RU", "KZ"}])
def test_regions_that_exist(settings, regions):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert checks.check_settings() == []


def test_codes_are_echoed_in_production(settings):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    assert reports(check_ids.CODE_ECHOED, "PHONE_REFERRALS_ECHO_CODE", check=checks.check_deployment)


def test_a_site_in_production_has_to_name_its_regions(settings):
    del settings.PHONE_REFERRALS_ALLOWED_REGIONS
    settings.DEBUG = True  # Where the setting may be left out.
    assert reports(check_ids.REGIONS_MISSING, check=checks.check_deployment)
    assert checks.check_settings() == []


def test_every_id_is_another():
    ids = [value for name, value in vars(check_ids).items() if name.isupper() and ".E" in value]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("level", "right"),
    [(None, True), ("read committed", True), (Level.READ_COMMITTED, True), (Level.SERIALIZABLE, False)],
)
def test_an_isolation_level_that_the_locks_cannot_work_with(monkeypatch, level, right):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", level)
    assert (checks.check_settings() == []) is right
    assert right or reports(check_ids.ISOLATION_LEVEL_WRONG, "default", "SERIALIZABLE")


def test_the_isolation_level_of_a_mysql_server_is_another_one(monkeypatch):
    monkeypatch.setattr(connection, "vendor", "mysql")
    assert checks.check_settings() == []
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", None)
    assert reports(check_ids.ISOLATION_LEVEL_WRONG, "default", "REPEATABLE READ")


def test_a_site_has_to_refuse_to_refresh_what_was_ended(settings, monkeypatch):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.jwt.JWTIssuer"
    assert [*host.refresh()] == []
    monkeypatch.setattr(
        jwt.api_settings, "TOKEN_REFRESH_SERIALIZER", "rest_framework_simplejwt.serializers.TokenRefreshSerializer"
    )
    [message] = host.refresh()
    assert message.id == check_ids.REFRESHED_AFTER_THE_END
    assert message.is_serious()
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.DRFTokenIssuer"
    assert [*host.refresh()] == []


def test_refreshing_is_not_checked_without_simplejwt(monkeypatch):
    monkeypatch.setitem(sys.modules, jwt.__name__, None)  # As where it cannot be imported.
    assert checks.check_settings() == []


class TrustingAccounts(PhoneAccounts):
    def has_second_factor(self, user):
        return False


def test_a_site_with_second_factors_is_told_whom_it_refuses(settings, monkeypatch):
    monkeypatch.setattr(host.apps, "is_installed", {"django_otp"}.__contains__)
    [message] = host.second_factor()
    assert message.id == check_ids.SECOND_FACTOR_KEPT
    assert "django_otp" in message.msg
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.TrustingAccounts"
    assert [*host.second_factor()] == []
    settings.PHONE_REFERRALS_ACCOUNTS = "nowhere.Accounts"
    assert [*host.second_factor()] == []
