"""Statements written out: what they read and write is what the ORM would."""

from datetime import UTC, datetime
from time import time
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.db.models.signals import post_save, pre_save

from phone_referrals import statements
from phone_referrals.models import PhoneVerification, Referral, ReferralCode
from tests.hosts.phone_first.models import Member, PresentMembers

pytestmark = pytest.mark.django_db

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def verification(phone):
    return PhoneVerification.objects.create(phone_number=phone, serial=1, sent_at=[1.5, 2.5], resend_at=4.5)


@pytest.fixture
def code(make_user):
    return ReferralCode.objects.create(user=make_user(), code="A0", max_uses=3)


# read


def test_a_row_is_read_as_the_orm_reads_it(verification, phone, django_assert_num_queries):
    with django_assert_num_queries(1):
        row = statements.read(PhoneVerification, using=DEFAULT_DB_ALIAS, where={"phone_number": phone})
        values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}

    expected = PhoneVerification.objects.get()
    assert values == {name: getattr(expected, name) for name in values}
    assert (row.sent_at, row.resend_at) == ([1.5, 2.5], 4.5)
    assert (row._state.adding, row._state.db) == (False, DEFAULT_DB_ALIAS)


def test_a_time_is_read_as_the_orm_reads_it(code):
    ReferralCode.objects.update(expires_at=WHEN)

    row = statements.read(ReferralCode, using=DEFAULT_DB_ALIAS, where={"code": "A0"})

    assert (row, row.expires_at, row.is_disabled) == (code, WHEN, False)


def test_a_row_is_read_by_all_that_is_named(verification, phone, other_phone):
    PhoneVerification.objects.create(phone_number=other_phone, serial=2)
    asked = [(phone, 1), (other_phone, 2), (phone, 2)]
    wheres = [{"phone_number": number, "serial": serial} for number, serial in asked]
    rows = [statements.read(PhoneVerification, using=DEFAULT_DB_ALIAS, where=where) for where in wheres]

    assert [row and row.phone_number for row in rows] == [phone, other_phone, None]


# compiled


def test_a_statement_is_compiled_once_for_all_values(verification, phone, other_phone):
    PhoneVerification.objects.create(phone_number=other_phone, serial=2)
    built = []

    @statements.compiled
    def row_of(number):
        built.append(number)
        return PhoneVerification.objects.filter(phone_number=number)

    rows = [row_of(DEFAULT_DB_ALIAS, each) for each in (phone, other_phone, phone, "+12015550102")]

    assert [row and row.serial for row in rows] == [1, 2, 1, None]
    assert len(built) == 1


def test_a_compiled_statement_takes_any_number_of_texts(verification, phone, other_phone):
    @statements.compiled
    def row_of(*numbers):
        return PhoneVerification.objects.filter(phone_number__in=numbers)

    assert row_of(DEFAULT_DB_ALIAS, other_phone) is None
    assert row_of(DEFAULT_DB_ALIAS, other_phone, phone) == verification


def test_a_value_that_is_no_text_of_a_call_stays_as_compiled(verification, phone):
    @statements.compiled
    def row_of(number):
        return PhoneVerification.objects.filter(phone_number=number, serial=1)

    assert row_of(DEFAULT_DB_ALIAS, phone) == verification
    PhoneVerification.objects.update(serial=2)
    assert row_of(DEFAULT_DB_ALIAS, phone) is None


@pytest.mark.django_db(transaction=True)
def test_a_compiled_statement_runs_in_every_thread(verification, phone, at_once):
    @statements.compiled
    def row_of(number):
        return PhoneVerification.objects.filter(phone_number=number)

    assert row_of(DEFAULT_DB_ALIAS, phone) == verification
    assert at_once(*[lambda: row_of(DEFAULT_DB_ALIAS, phone)] * 3) == [verification] * 3


def test_a_compiled_row_has_annotations_and_joined_rows(code, django_assert_num_queries):
    @statements.compiled
    def row_of(text):
        rows = ReferralCode.objects.select_related("user").filter(code=text)
        return rows.annotate(twice=Concat("code", "code"), said=Value(True))

    with django_assert_num_queries(1):
        row = row_of(DEFAULT_DB_ALIAS, "A0")
        assert (row.twice, row.said, row.user) == ("A0A0", True, code.user)
    assert row._state.db == DEFAULT_DB_ALIAS


# update


def test_the_values_are_written_to_the_rows_of_where(verification, phone, other_phone):
    PhoneVerification.objects.create(phone_number=other_phone)
    values = {"sent_at": [3.5], "resend_at": None, "version": 7}

    assert statements.update(
        PhoneVerification, using=DEFAULT_DB_ALIAS, where={"phone_number": phone, "version": 0}, values=values
    )

    written, other = PhoneVerification.objects.order_by("phone_number")
    assert (written.sent_at, written.resend_at, written.version, written.serial) == ([3.5], None, 7, 1)
    assert (other.sent_at, other.version) == ([], 0)


def test_nothing_is_written_where_no_row_is_as_where_says(verification, phone):
    where = {"phone_number": phone, "version": 1}

    assert not statements.update(PhoneVerification, using=DEFAULT_DB_ALIAS, where=where, values={"serial": 2})

    assert PhoneVerification.objects.get().serial == 1


def test_a_column_is_counted_beside_what_is_written(code):
    where, values = {"id": code.pk}, {"is_disabled": True, "expires_at": WHEN}
    for _ in range(5):
        assert statements.update(ReferralCode, using=DEFAULT_DB_ALIAS, where=where, values=values, add={"uses": 1})

    code.refresh_from_db()
    assert (code.uses, code.is_disabled, code.expires_at) == (5, True, WHEN)


# insert


def test_a_row_is_written_as_save_would_without_its_signals(verification, phone, other_phone):
    saved = []
    row = PhoneVerification(phone_number=other_phone, serial=2, sent_at=[1.5], resend_at=4.5)
    for signal in (pre_save, post_save):
        signal.connect(lambda **keywords: saved.append(keywords), dispatch_uid="statements", weak=False)
    try:
        statements.insert(row, using=DEFAULT_DB_ALIAS)
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(dispatch_uid="statements")

    written = PhoneVerification.objects.get(phone_number=other_phone)
    assert saved == []
    assert (written.serial, written.sent_at, written.resend_at) == (2, [1.5], 4.5)
    assert written.updated_at <= time()
    assert written.pk != verification.pk


def test_a_key_that_a_row_has_is_written(make_user):
    owner, user = make_user(), make_user(1)

    statements.insert(Referral(referred=user, referrer=owner, code="A0"), using=DEFAULT_DB_ALIAS)

    assert Referral.objects.values_list("pk", "referrer", "code").get() == (user.pk, owner.pk, "A0")


def test_a_row_that_is_there_already_is_no_error(verification, phone, other_phone):
    new = [PhoneVerification(phone_number=each, serial=2) for each in (phone, other_phone)]
    assert [statements.insert(row, using=DEFAULT_DB_ALIAS) for row in new] == [False, True]
    verification.refresh_from_db()
    assert verification.serial == 1


@pytest.mark.parametrize("returns_key", [True, False])
@pytest.mark.skipif(connection.vendor != "sqlite", reason="It has either way: those of the others.")
def test_a_row_is_told_the_key_that_the_database_gave_it(monkeypatch, phone, returns_key):
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", returns_key)
    rows = [PhoneVerification(phone_number=phone) for _ in range(2)]
    assert [statements.insert(row, using=DEFAULT_DB_ALIAS) for row in rows] == [True, False]
    assert [row.pk for row in rows] == [PhoneVerification.objects.get().pk, None]


# retried: tests/races/test_deadlocks.py has it with real deadlocks


def lost(code="", **of_driver):
    """Return the error of a lock that was lost, in a driver's words."""
    error = OperationalError(code)
    error.__cause__ = type("DriverError", (Exception,), of_driver)()
    return error


class Work:
    """Fails with each of the errors, then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def __call__(self):
        if self.errors:
            raise self.errors.pop()
        return "done"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [lost(1205), lost(1213), lost(sqlstate="40P01"), lost(pgcode="40001")])
def test_a_statement_that_lost_its_locks_is_run_again(error):
    work = Work(*[error] * 4)
    assert statements.retried(work, using=DEFAULT_DB_ALIAS) == "done"
    assert work.errors == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("error", "times"), [(lost(2006), 1), (lost(sqlstate="57014"), 1), (lost(1213), 5)])
def test_other_errors_and_the_fifth_are_raised(error, times):
    work = Work(*[error] * 9)
    with pytest.raises(OperationalError):
        statements.retried(work, using=DEFAULT_DB_ALIAS)
    assert len(work.errors) == 9 - times


def test_nothing_is_run_again_in_a_transaction_of_somebody_else():
    with pytest.raises(OperationalError):
        statements.retried(Work(lost(1213)), using=DEFAULT_DB_ALIAS)


def test_a_model_of_two_tables_or_another_manager_is_read_by_orm(make_user):
    model, is_plain = get_user_model(), statements._is_plain.__wrapped__
    assert is_plain(model)
    for name, value in {"parents": {Member: None}, "base_manager": PresentMembers()}.items():
        with patch.object(model._meta, name, value):
            assert not is_plain(model)
    user = make_user()
    with patch.object(statements, "_is_plain", return_value=False):
        assert statements.read(model, using="default", where={"phone_number": "+12015550100"}) == user
        assert statements.read(model, using="default", where={"pk": user.pk + 1}) is None
