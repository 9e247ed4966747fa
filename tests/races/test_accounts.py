"""Changes of phone and deletions beside other things. Below each rule: the naive twin, which breaks it."""

import threading
from collections import Counter
from contextlib import nullcontext
from functools import partial
from itertools import pairwise

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection, transaction

from phone_referrals.accounts import PhoneAccounts, lock
from phone_referrals.exceptions import (
    AccountDisabled,
    Busy,
    DeletionRefused,
    InvalidReferralCode,
    PhoneTaken,
    ReferralCodeExhausted,
)
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals import codes, edges
from phone_referrals.referrals.codes import code_of, rotate
from phone_referrals.referrals.edges import MAX_WAIT
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin import change_phone, delete_account
from phone_referrals.signin.change_phone import PhoneChanged
from phone_referrals.tokens import get_issuer
from tests.races import naive

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "+12015550190"
THREADS = 10
ROUNDS = 10


@pytest.fixture
def changes_to_one_phone(at_once, make_user):
    """All have proven the phone before any of them has it."""

    def scenario():
        get_user_model().objects.all().delete()
        users = [make_user(number) for number in range(THREADS)]
        results = at_once(*[lambda user=user: change_phone._change(user, NEW, get_issuer()) for user in users])
        return Counter(type(each[0] if isinstance(each, tuple) else each) for each in results)

    return scenario


def test_one_gets_the_phone_and_the_others_are_told(changes_to_one_phone):
    for _ in range(3):
        assert changes_to_one_phone() == {PhoneChanged: 1, PhoneTaken: THREADS - 1}
        assert get_user_model().objects.filter(phone_number=NEW).count() == 1


def test_the_others_crash_without_a_second_look(changes_to_one_phone, monkeypatch):
    monkeypatch.setattr(change_phone, "_change", naive.change)

    assert any(changes_to_one_phone()[IntegrityError] for _ in range(ROUNDS))


LOCKS = [
    "own",
    pytest.param("rows", marks=pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no row locks.")),
]


DOORS = {
    "own": lambda owner: delete_account.delete_account(owner, code="000000"),
    "admin": lambda owner: admin.site._registry[get_user_model()].delete_model(None, owner),
    "model": lambda owner: owner.delete() and None,
    "queryset": lambda owner: get_user_model().objects.filter(pk=owner.pk).delete() and None,
}


@pytest.fixture
def deletion_beside_redeemers(at_once, make_user, monkeypatch):
    """The owner of a code is deleted while others enter it; their results follow that of the deletion."""
    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: None)

    def scenario(door="own", **code):
        get_user_model().objects.all().delete()
        RedeemedPhone.objects.all().delete()
        owner, *redeemers = [make_user(number) for number in range(THREADS)]
        ReferralCode.objects.create(user=owner, code="A0", **code)
        calls = [lambda user=user: redeem(user, "A0") for user in redeemers]
        first, *others = at_once(lambda: DOORS[door](owner), *calls)
        return first, others

    return scenario


@pytest.mark.parametrize("code", [{}, {"max_uses": 5}], ids=["unlimited", "limited"])
@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("door", DOORS)
def test_an_account_is_deleted_while_its_code_is_entered(deletion_beside_redeemers, monkeypatch, door, locks, code):
    if locks == "rows":
        monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {})
    for _ in range(3):  # Of each of sixteen scenes.
        deleted, others = deletion_beside_redeemers(door, **code)
        assert deleted is None
        assert {type(each) for each in others} <= {Referral, InvalidReferralCode, ReferralCodeExhausted}, others
        assert get_user_model().objects.count() == THREADS - 1
        left = Referral.objects.values_list("referrer", "code")
        assert list(left) == [(None, "")] * sum(isinstance(each, Referral) for each in others)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="On others the redeemer waits for the deletion.")
def test_the_deletion_crashes_without_the_lock(at_once, make_user, monkeypatch):
    owner, friend = make_user(0), make_user(1)
    ReferralCode.objects.create(user=owner, code="A0")
    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: None)
    monkeypatch.setattr(delete_account, "lock", lambda user: user)
    monkeypatch.setattr(PhoneAccounts, "delete", naive.delete)
    monkeypatch.setattr(codes, "withdrawn", lambda user: nullcontext())
    # Not left to chance: a friend enters the code in the slow moment.
    monkeypatch.setattr(naive, "pause", lambda: at_once(lambda: redeem(friend, "A0")))

    with pytest.raises(DeletionRefused):  # By the friend's foreign key.
        delete_account.delete_account(owner, code="000000")


@pytest.fixture
def deletions_beside_codes(at_once, make_user, monkeypatch):
    """A user is deleted three times while three requests need its code; the results of both."""
    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: None)

    def scenario(*, code_of):
        get_user_model().objects.all().delete()
        user = make_user()
        results = at_once(
            *[partial(delete_account.delete_account, user, code="000000")] * 3, *[partial(code_of, user)] * 3
        )
        return results[:3], results[3:]

    return scenario


def test_an_account_is_deleted_once_and_its_calls_answered(deletions_beside_codes):
    for _ in range(ROUNDS):
        deletions, made = deletions_beside_codes(code_of=code_of)
        assert Counter(map(type, deletions)) == {type(None): 1, AccountDisabled: 2}
        assert {type(each) for each in made} <= {ReferralCode, AccountDisabled}, made
        assert not get_user_model().objects.exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="It has one writer at a time, from the first write on.")
def test_an_account_is_deleted_more_than_once_without_the_lock(deletions_beside_codes, monkeypatch):
    monkeypatch.setattr(delete_account, "lock", naive.lock)
    monkeypatch.setattr(PhoneAccounts, "delete", naive.delete)

    assert any(deletions_beside_codes(code_of=code_of)[0].count(None) > 1 for _ in range(ROUNDS))


def test_its_own_calls_crash_without_a_second_look(deletions_beside_codes):
    def crashes():
        _, codes = deletions_beside_codes(code_of=naive.code_of)
        return any(isinstance(each, IntegrityError) for each in codes)

    assert any(crashes() for _ in range(ROUNDS))


@pytest.fixture
def deletions_of_a_chain(at_once, make_user, refer, monkeypatch):
    """Users, each of whom has invited the next one, delete their accounts at once."""
    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: None)

    def scenario():
        get_user_model().objects.all().delete()
        chain = [make_user(number) for number in range(THREADS)]
        for referrer, referred in pairwise(chain):
            code_of(referrer)
            refer(referrer, referred)
        return at_once(*[partial(delete_account.delete_account, user, code="000000") for user in chain])

    return scenario


def test_related_users_may_delete_their_accounts_at_once(deletions_of_a_chain):
    for _ in range(ROUNDS):
        assert deletions_of_a_chain() == [None] * THREADS
        assert not Referral.objects.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="It checks the keys of a row that changes twice.")
def test_related_users_lock_each_other_out_by_two_updates(deletions_of_a_chain, monkeypatch):
    monkeypatch.setattr(PhoneAccounts, "delete", naive.delete_in_two_updates)

    assert any(isinstance(each, OperationalError) for _ in range(ROUNDS) for each in deletions_of_a_chain())


on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="Others have no time-out of a transaction."
)


@pytest.fixture
def code_of_a_locked_owner(at_once, make_user):
    """Somebody enters a code while its owner is locked; the result, or whether the refusal came before the end."""

    def scenario(*, seconds=60, **limits):
        owner, user = make_user(0), make_user(1)
        ReferralCode.objects.create(user=owner, code="A0", **limits)
        is_locked, has_ended, is_free = threading.Event(), threading.Event(), threading.Event()

        def hold():
            with transaction.atomic():
                lock(owner)
                is_locked.set()
                has_ended.wait(timeout=seconds)
            is_free.set()

        def enter():
            is_locked.wait(timeout=60)
            try:
                return redeem(user, "A0")
            except Busy:
                return is_free.is_set()
            finally:
                has_ended.set()

        result = at_once(hold, enter)[1]
        assert isinstance(redeem(make_user(2), "A0"), Referral)
        return result

    return scenario


@on_postgresql
@pytest.mark.parametrize("limits", [{}, {"max_uses": 5}], ids=["unlimited", "limited"])
@pytest.mark.parametrize("together", [True, False])
def test_a_code_is_refused_when_a_lock_takes_a_second(code_of_a_locked_owner, monkeypatch, limits, together):
    if not together:
        monkeypatch.setattr(edges, "_takes_two_statements", lambda connection: False)
    assert MAX_WAIT == "1000ms"
    monkeypatch.setattr(edges, "MAX_WAIT", "100ms")
    assert code_of_a_locked_owner(**limits) is False


@on_postgresql
def test_a_code_waits_for_a_lock_without_a_time_out(code_of_a_locked_owner, monkeypatch):
    monkeypatch.setattr(edges, "MAX_WAIT", "0")
    assert isinstance(code_of_a_locked_owner(seconds=0.5), Referral)


@on_postgresql
@pytest.mark.parametrize("surrounding", [nullcontext, transaction.atomic])
def test_the_time_out_for_locks_is_left_as_it_was(make_user, surrounding):
    code = code_of(make_user(0)).code
    with surrounding(), connection.cursor() as cursor:
        redeem(make_user(1), code)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.fixture
def rotations(at_once, make_user):
    """A user's code is rotated by ten requests at once."""

    def scenario():
        get_user_model().objects.all().delete()
        user = make_user()
        return at_once(*[partial(rotate, user)] * THREADS)

    return scenario


def test_one_code_is_active_however_many_rotate_it_at_once(rotations):
    for _ in range(ROUNDS):
        assert Counter(map(type, rotations())) == {ReferralCode: THREADS}
        assert ReferralCode.objects.exclude(active_for=None).count() == 1
        assert ReferralCode.objects.count() == THREADS
