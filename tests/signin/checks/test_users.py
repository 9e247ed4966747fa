from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db.models import UniqueConstraint
from django.db.models.expressions import DatabaseDefault
from phonenumber_field.phonenumber import PhoneNumber

from phone_referrals.accounts import SHORTEST_USERNAME, PhoneAccounts
from phone_referrals.checks import registry
from phone_referrals.signin.backend import PhoneCodeBackend
from phone_referrals.signin.checks import users
from phone_referrals.signin.checks.users import BACKEND
from tests.checks.reports import reports
from tests.hosts.phone_first.models import Member, Profile


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
    assert reports("phone_referrals.E006", "phone_first.User", repr(path))


def test_a_user_model_without_the_mixin(settings):
    settings.AUTH_USER_MODEL = "contenttypes.ContentType"
    assert reports("phone_referrals.E006", "contenttypes.ContentType", "'phone_number'")


def test_a_phone_field_has_to_be_a_unique_one(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "password"
    assert reports("phone_referrals.E009", "'password'", "phone_first.User")


def test_a_phone_field_may_be_unique_by_a_constraint(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    assert registry.check_settings() == []


@pytest.mark.parametrize("name", ["PHONENUMBER_DB_FORMAT", "PHONENUMBER_DEFAULT_FORMAT"])
@pytest.mark.parametrize("value", ["NATIONAL", "e164", None])
def test_a_format_that_loses_the_country_code(settings, name, value):
    setattr(settings, name, value)
    assert reports("phone_referrals.E010", name, repr(value))


@pytest.mark.parametrize("value", ["E164", "INTERNATIONAL", "RFC3966"])
def test_a_format_that_keeps_the_country_code(settings, value):
    settings.PHONENUMBER_DB_FORMAT = settings.PHONENUMBER_DEFAULT_FORMAT = value
    assert registry.check_settings() == []


@pytest.mark.parametrize(("path", "model"), [("phone_number", get_user_model()), ("profile__phone", Profile)])
def test_a_phone_is_no_primary_key(settings, monkeypatch, path, model):
    settings.PHONE_REFERRALS_PHONE_FIELD = path
    monkeypatch.setattr(model._meta.get_field(path.split("__")[-1]), "primary_key", True)
    assert reports("phone_referrals.E007", repr(path), "phone_first.User")


@pytest.mark.parametrize(("length", "is_right"), [(11, False), (15, False), (16, True), (None, True)])
def test_a_column_has_room_for_every_number(settings, monkeypatch, length, is_right):
    monkeypatch.setattr(get_user_model()._meta.get_field("phone_number"), "max_length", length)
    assert (registry.check_settings() == []) is is_right
    assert is_right or reports("phone_referrals.E008", str(length), "16")


@pytest.fixture
def member_by_phone(settings, monkeypatch):
    """A user model with a unique name that is no longer its `USERNAME_FIELD`."""
    settings.AUTH_USER_MODEL = "phone_first.Member"
    assert registry.check_settings() == []
    monkeypatch.setattr(Member, "USERNAME_FIELD", "phone_number")
    return Member._meta.get_field("username")


def test_a_username_that_is_not_the_username_field_is_filled(member_by_phone):
    assert registry.check_settings() == []


@pytest.fixture
def unfilled(member_by_phone, monkeypatch):
    """That name, too short for a random text."""
    monkeypatch.setattr(member_by_phone, "max_length", SHORTEST_USERNAME - 1)
    return member_by_phone


def test_a_unique_column_that_nobody_fills_is_refused(unfilled):
    assert reports("phone_referrals.E011", "phone_first.Member", "'username'")


def test_nor_one_that_is_unique_by_a_constraint(unfilled, monkeypatch):
    monkeypatch.setattr(unfilled, "unique", False)
    monkeypatch.setattr(Member._meta, "total_unique_constraints", [UniqueConstraint(fields=["username"], name="one")])
    assert reports("phone_referrals.E011", "phone_first.Member", "'username'")


@pytest.mark.parametrize("attributes", [{"null": True}, {"default": uuid4}, {"db_default": "x"}, {"unique": False}])
def test_a_column_that_may_stay_as_it_is(unfilled, monkeypatch, attributes):
    for name, value in attributes.items():
        monkeypatch.setattr(unfilled, name, value)
    assert registry.check_settings() == []


class HostAccounts(PhoneAccounts):
    def create(self, phone_number):
        """Fill whatever the model requires."""


def test_a_host_that_creates_its_users_fills_their_columns(unfilled, settings):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"
    assert registry.check_settings() == []


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        (lambda user: None, False),
        (lambda user: PhoneNumber.from_string("+12015550100"), False),
        (lambda user: "", True),
        (lambda user: user.missing, True),
        (lambda user: str(user.phone_number) if user.phone_number else None, True),
    ],
)
def test_a_user_who_has_only_a_phone_has_a_text(settings, monkeypatch, text, is_right):
    monkeypatch.setattr(get_user_model(), "__str__", text)
    assert (registry.check_settings() == []) is is_right
    assert is_right or reports("phone_referrals.E013", "phone_first.User")
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"  # Its users may have more than a phone.
    assert registry.check_settings() == []


@pytest.fixture
def give_new_users(monkeypatch):
    """Have each new user of the site an attribute of its own."""
    model = get_user_model()
    begin = model.__init__

    def give(name, value):
        def begin_with_it(user, *args, **kwargs):
            begin(user, *args, **kwargs)
            vars(user)[name] = value

        monkeypatch.setattr(model, "__init__", begin_with_it)

    return give


@pytest.mark.parametrize(
    ("name", "value", "is_right"),
    [
        ("is_staff", False, True),
        ("is_staff", True, False),
        ("is_staff", lambda: False, False),  # A method, which Django takes for true, too.
        ("is_staff", DatabaseDefault(None), True),
        ("is_superuser", True, False),
        ("is_active", False, False),
        ("is_active", lambda: False, True),
    ],
)
def test_who_signs_up_is_active_and_no_staff(settings, give_new_users, name, value, is_right):
    give_new_users(name, value)
    assert (registry.check_settings() == []) is is_right
    assert is_right or reports("phone_referrals.E012", repr(name), "phone_first.User")
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    assert (registry.check_settings() == []) is (is_right or name != "is_active")
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"  # It says who is staff.
    assert registry.check_settings() == []


class LenientAccounts(PhoneAccounts):
    def may_sign_in(self, user):
        return True


def test_a_host_that_says_who_may_sign_in_is_not_judged(settings, give_new_users):
    give_new_users("is_active", False)
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.LenientAccounts"
    assert registry.check_settings() == []


def fail(*args, **kwargs):
    raise RuntimeError("It asks the database, which has no table yet.")


@pytest.mark.parametrize(
    ("name", "value"), [("is_staff", property(fail, lambda user, value: None)), ("__init__", fail)]
)
def test_code_of_the_host_that_fails_stops_no_check(monkeypatch, name, value):
    monkeypatch.setattr(get_user_model(), name, value)
    assert registry.check_settings() == []


class TrustingAccounts(PhoneAccounts):
    def has_second_factor(self, user):
        return False


def test_a_site_with_second_factors_is_told_whom_it_refuses(settings, monkeypatch):
    monkeypatch.setattr(users.apps, "is_installed", {"django_otp"}.__contains__)
    [message] = users.check()
    assert message.id == "phone_referrals.I001"
    assert "django_otp" in message.msg
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.TrustingAccounts"
    assert [*users.check()] == []


class HostBackend(PhoneCodeBackend):
    """A site's own, which takes no passwords either."""


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
    assert reports("phone_referrals.E014", "AUTHENTICATION_BACKENDS")


@pytest.mark.parametrize("backend", [BACKEND, f"{__name__}.HostBackend"])
def test_the_backend_may_be_a_subclass_and_come_last(settings, backend):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", backend]
    assert registry.check_settings() == []


@pytest.mark.parametrize("backends", [[BACKEND], [BACKEND, f"{__name__}.HostBackend"]])
def test_an_admin_that_takes_no_password_is_told(settings, backends):
    settings.AUTHENTICATION_BACKENDS = backends
    (message,) = registry.check_settings()
    assert (message.id, message.is_serious()) == ("phone_referrals.W010", False)


def test_a_site_without_an_admin_needs_no_password(settings):
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"]
    assert registry.check_settings() == []
