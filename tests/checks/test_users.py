from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db.models import UniqueConstraint
from django.db.models.expressions import DatabaseDefault
from phonenumber_field.phonenumber import PhoneNumber

from phone_referrals import checks
from phone_referrals.accounts import SHORTEST_USERNAME, PhoneAccounts
from phone_referrals.checks import ids as check_ids
from tests.checks.reports import reports
from tests.hosts.phone_first.models import Member


@pytest.fixture
def member_by_phone(settings, monkeypatch):
    """A user model with a unique name that is no longer its `USERNAME_FIELD`."""
    settings.AUTH_USER_MODEL = "phone_first.Member"
    assert checks.check_settings() == []
    monkeypatch.setattr(Member, "USERNAME_FIELD", "phone_number")
    return Member._meta.get_field("username")


def test_a_username_that_is_not_the_username_field_is_filled(member_by_phone):
    assert checks.check_settings() == []


@pytest.fixture
def unfilled(member_by_phone, monkeypatch):
    """That name, too short for a random text."""
    monkeypatch.setattr(member_by_phone, "max_length", SHORTEST_USERNAME - 1)
    return member_by_phone


def test_a_unique_column_that_nobody_fills_is_refused(unfilled):
    assert reports(check_ids.COLUMN_NOT_FILLED, "phone_first.Member", "'username'")


def test_nor_one_that_is_unique_by_a_constraint(unfilled, monkeypatch):
    monkeypatch.setattr(unfilled, "unique", False)
    monkeypatch.setattr(Member._meta, "total_unique_constraints", [UniqueConstraint(fields=["username"], name="one")])
    assert reports(check_ids.COLUMN_NOT_FILLED, "phone_first.Member", "'username'")


@pytest.mark.parametrize("attributes", [{"null": True}, {"default": uuid4}, {"db_default": "x"}, {"unique": False}])
def test_a_column_that_may_stay_as_it_is(unfilled, monkeypatch, attributes):
    for name, value in attributes.items():
        monkeypatch.setattr(unfilled, name, value)
    assert checks.check_settings() == []


class HostAccounts(PhoneAccounts):
    def create(self, phone_number):
        """Fill whatever the model requires."""


def test_a_host_that_creates_its_users_fills_their_columns(unfilled, settings):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"
    assert checks.check_settings() == []


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
    assert (checks.check_settings() == []) is is_right
    assert is_right or reports(check_ids.USER_WITHOUT_TEXT, "phone_first.User")
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"  # Its users may have more than a phone.
    assert checks.check_settings() == []


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
    assert (checks.check_settings() == []) is is_right
    assert is_right or reports(check_ids.NEW_USERS_REFUSED, repr(name), "phone_first.User")
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    assert (checks.check_settings() == []) is (is_right or name != "is_active")
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"  # It says who is staff.
    assert checks.check_settings() == []


class LenientAccounts(PhoneAccounts):
    def may_sign_in(self, user):
        return True


def test_a_host_that_says_who_may_sign_in_is_not_judged(settings, give_new_users):
    give_new_users("is_active", False)
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.LenientAccounts"
    assert checks.check_settings() == []


def fail(*args, **kwargs):
    raise RuntimeError("It asks the database, which has no table yet.")


@pytest.mark.parametrize(
    ("name", "value"), [("is_staff", property(fail, lambda user, value: None)), ("__init__", fail)]
)
def test_code_of_the_host_that_fails_stops_no_check(monkeypatch, name, value):
    monkeypatch.setattr(get_user_model(), name, value)
    assert checks.check_settings() == []
