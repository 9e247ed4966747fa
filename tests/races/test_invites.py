"""Sign-ups of a site's own redeem invitations at the same moment. Below each rule: the naive twin, which breaks it."""

from collections import Counter
from functools import partial
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import IntegrityError, transaction

from phone_referrals.accounts import lock
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals import invites
from tests.races import naive

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, ROUNDS = 4, 10


def browser(*codes):
    return SimpleNamespace(COOKIES={invites.COOKIE: signing.dumps(codes, salt=invites.SALT)})


def naive_first(user, codes):
    """As `redeem.redeem_first`, without its locks, and without a word of what the database refuses."""
    return naive.redeem(user, codes[0])


@pytest.fixture
def accept_at_once(at_once, make_user):
    """A user who has just signed up accepts an invitation in several requests; `beside` runs at the same moment."""

    def scenario(*beside):
        get_user_model().objects.all().delete()
        RedeemedPhone.objects.all().delete()  # Of the round before: a phone redeems once.
        user = make_user(0)
        for number in range(THREADS):
            ReferralCode.objects.create(user=make_user(number + 1), code=f"A{number}")
        requests = [browser(f"A{number}") for number in range(THREADS)]
        accepting = [partial(invites.accept, request, user) for request in requests]
        return at_once(*accepting, *[partial(each, user) for each in beside])[:THREADS]

    return scenario


def delete(user):
    with transaction.atomic():
        lock(user).delete()


def test_of_requests_that_accept_at_once_one_does(accept_at_once):
    for _ in range(ROUNDS):
        assert Counter(map(type, accept_at_once())) == {Referral: 1, type(None): THREADS - 1}
        assert Referral.objects.count() == 1


def test_requests_that_accept_at_once_crash_without_a_lock(accept_at_once, monkeypatch):
    monkeypatch.setattr(invites, "redeem_first", naive_first)
    assert any(isinstance(each, IntegrityError) for _ in range(ROUNDS) for each in accept_at_once())


def test_a_user_who_is_deleted_meanwhile_accepts_nothing(accept_at_once):
    for _ in range(ROUNDS):
        results = accept_at_once(delete)
        assert {type(each) for each in results} <= {Referral, type(None)}, results
        assert not Referral.objects.exists()


def test_a_deletion_meanwhile_crashes_without_a_second_look(accept_at_once, monkeypatch):
    monkeypatch.setattr(invites, "redeem_first", naive_first)
    assert any(isinstance(each, IntegrityError) for _ in range(ROUNDS) for each in accept_at_once(delete))
