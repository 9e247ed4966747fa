"""Many people entering referral codes at the same moment. Below each rule: the naive twin, which breaks it.

Where a rule is kept by locks, it is shown for the locks of this database and, on PostgreSQL, for those of the others.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from phone_referrals.exceptions import (
    AlreadyRedeemed,
    Busy,
    CircularReferral,
    RedeemError,
    ReferralCodeExhausted,
)
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import codes, edges
from phone_referrals.referrals.redeem import redeem
from tests.races import naive

pytestmark = pytest.mark.django_db(transaction=True)

# A twin breaks its rule nearly always; rounds only make "nearly" not matter.
TWIN_ROUNDS = 20

LOCKS = [
    "own",
    pytest.param("apart", marks=pytest.mark.skipif(connection.vendor != "postgresql", reason="A way of PostgreSQL's.")),
    pytest.param("rows", marks=pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no row locks.")),
]


@pytest.fixture(params=LOCKS)
def locks(request, monkeypatch):
    if request.param == "apart":
        monkeypatch.setattr(edges, "_takes_two_statements", lambda connection: False)
    if request.param == "rows":
        monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {})


@pytest.fixture
def make_users():
    """Make users with a code each: `A0` of the first, `A1` of the second, and so on."""

    def make_users(count):
        model = get_user_model()
        users = model.objects.bulk_create([model() for _ in range(count)])
        ReferralCode.objects.bulk_create(ReferralCode(user=user, code=f"A{n}") for n, user in enumerate(users))
        return users

    return make_users


@dataclass(frozen=True, kw_only=True)
class Round:
    """What came of people entering codes at once: a result for each, and who was referred by whom after it."""

    results: list[object]
    edges: dict[int, int]

    @property
    def redeemed(self):
        return [result.referred_id for result in self.results if isinstance(result, Referral)]

    @property
    def has_circle(self):
        for start in self.edges:
            above, seen = self.edges.get(start), {start}
            while above is not None and above not in seen:
                seen.add(above)
                above = self.edges.get(above)
            if above == start:
                return True
        return False

    @property
    def has_double(self):
        return len(self.redeemed) != len(set(self.redeemed)) or set(self.redeemed) != set(self.edges)

    @property
    def failures(self):
        return [each for each in self.results if not isinstance(each, Referral | RedeemError | Busy)]


@pytest.fixture
def play(at_once):
    """Play rounds, each a list of (user, code) entered at once; the edges are taken away after each of them."""

    def play(rounds, *, enter):
        threads = len(rounds[0])
        played, results = [], [None] * threads

        def finish():
            edges = dict(Referral.objects.values_list("referred_id", "referrer_id"))
            played.append(Round(results=results.copy(), edges=edges))
            Referral.objects.all().delete()

        # The last thread to come finishes the round for all. The same threads play on: connections are slow to make.
        gate = threading.Barrier(threads, action=finish, timeout=60)

        def player(number):
            for entries in rounds:
                try:
                    results[number] = enter(*entries[number])
                except Exception as error:  # noqa: BLE001 - for the test to look at
                    results[number] = error
                gate.wait()

        outcomes = at_once(*[lambda number=number: player(number) for number in range(threads)])
        assert outcomes == [None] * threads
        return played

    return play


@pytest.fixture
def one_user(play, make_users):
    """One user enters the codes of fifty others, all at once."""

    def scenario(*, enter, rounds=1):
        me, *others = make_users(51)
        return play([[(me, f"A{number}") for number in range(1, len(others) + 1)]] * rounds, enter=enter)

    return scenario


def test_one_user_redeems_once_of_many_codes_at_once(one_user, locks):
    (played,) = one_user(enter=redeem)

    assert Counter(map(type, played.results)) == {Referral: 1, AlreadyRedeemed: 49}
    assert len(played.edges) == 1


def test_one_user_redeems_with_failures_without_a_lock(one_user):
    assert any(each.failures for each in one_user(enter=naive.redeem, rounds=3))


@pytest.fixture
def at_random(play, make_users):
    """Eight threads enter random codes of six users, in the name of any of them."""

    def scenario(*, enter, rounds):
        users, dice = make_users(6), random.Random(rounds)
        plan = [[(dice.choice(users), f"A{dice.randrange(6)}") for _ in range(8)] for _ in range(rounds)]
        return play(plan, enter=enter)

    return scenario


def test_referrals_at_random_never_make_a_circle_or_a_double(at_random, locks):
    played = at_random(enter=redeem, rounds=100)

    assert len(played) == 100
    assert [each.failures for each in played if each.failures] == []
    assert [each.edges for each in played if each.has_circle] == []
    assert [each for each in played if each.has_double] == []


def test_referrals_at_random_make_circles_without_a_lock(at_random):
    assert any(each.has_circle for each in at_random(enter=naive.redeem, rounds=TWIN_ROUNDS))


@pytest.fixture
def each_other(play, make_users):
    """Two users enter each other's code at once."""

    def scenario(*, enter, rounds):
        first, second = make_users(2)
        return play([[(first, "A1"), (second, "A0")]] * rounds, enter=enter)

    return scenario


def test_of_two_who_refer_each_other_at_once_one_is_refused(each_other, locks):
    played = each_other(enter=redeem, rounds=50)

    assert {frozenset(map(type, each.results)) for each in played} == {frozenset({Referral, CircularReferral})}
    assert {len(each.edges) for each in played} == {1}


def test_two_refer_each_other_at_once_without_a_lock(each_other):
    assert any(len(each.edges) == 2 for each in each_other(enter=naive.redeem, rounds=TWIN_ROUNDS))


def wait_for_a_waiter():
    """Return once somebody waits for a lock of this transaction, as PostgreSQL tells."""
    give_up = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < give_up:
            # For this connection: other databases of the server have waiters of their own.
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.rowcount:
                return
            time.sleep(0.01)
    raise AssertionError("Nobody waits.")


@pytest.fixture
def root_below_me(at_once, make_users):
    """I enter a code of a root that comes below me meanwhile, and is seen to be mine only when its transaction ends."""

    def scenario():
        me, root = make_users(2)
        has_redeemed = threading.Event()

        def root_redeems():
            with transaction.atomic():
                redeem(root, "A0")
                has_redeemed.set()
                wait_for_a_waiter()

        def i_redeem():
            has_redeemed.wait(timeout=60)
            return redeem(me, "A1")

        ended, mine = at_once(root_redeems, i_redeem)
        assert ended is None
        return mine

    return scenario


@pytest.mark.skipif(connection.vendor != "postgresql", reason="It waits by what PostgreSQL tells of its locks.")
def test_who_waited_for_a_root_sees_that_it_is_none_any_more(root_below_me, locks):
    assert isinstance(root_below_me(), CircularReferral)
    assert Referral.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="A way of PostgreSQL's.")
def test_a_waiter_for_a_root_makes_a_circle_without_a_look(root_below_me, monkeypatch):
    condition = edges.MAY_BE_WRITTEN.replace("IS NULL", "IS NULL OR TRUE")
    monkeypatch.setattr(edges, "MAY_BE_WRITTEN", condition)
    assert isinstance(root_below_me(), Referral)
    assert Referral.objects.count() == 2


@pytest.fixture
def limited_code(play, make_users):
    """Twenty users enter a code that has five uses."""

    def scenario():
        owner, *others = make_users(21)
        ReferralCode.objects.filter(user=owner).update(max_uses=5)
        (played,) = play([[(user, "A0") for user in others]], enter=redeem)
        return played

    return scenario


def test_a_limited_code_is_redeemed_as_often_as_it_says(limited_code, locks):
    played = limited_code()

    assert Counter(map(type, played.results)) == {Referral: 5, ReferralCodeExhausted: 15}
    assert len(played.edges) == 5
    assert ReferralCode.objects.get(code="A0").uses == 5


def test_a_limited_code_is_exceeded_when_python_counts(limited_code, monkeypatch):
    monkeypatch.setattr(ReferralCode, "take_one_use", naive.take_one_use)

    assert len(limited_code().edges) > 5


@pytest.fixture
def looks_at_a_code(at_once):
    """Twenty requests need the code of a user who has none yet."""

    def scenario(*, code_of):
        user = get_user_model().objects.create()
        return at_once(*[lambda: code_of(user)] * 20)

    return scenario


def test_one_code_is_made_however_many_need_it_at_once(looks_at_a_code):
    made = looks_at_a_code(code_of=codes.code_of)

    assert Counter(map(type, made)) == {ReferralCode: 20}
    assert len({each.code for each in made}) == ReferralCode.objects.exclude(active_for=None).count() == 1


def test_making_a_code_fails_without_a_second_look(looks_at_a_code):
    assert any(
        Counter(map(type, looks_at_a_code(code_of=naive.code_of))).keys() != {ReferralCode} for _ in range(TWIN_ROUNDS)
    )
