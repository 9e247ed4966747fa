"""Many requests for one phone at the same moment. Below each rule: the naive twin, which breaks it."""

from collections import Counter

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token

from phone_referrals.exceptions import Busy, CodeExpired, InvalidCode, ResendTooSoon, TooManyGuesses
from phone_referrals.models import PhoneVerification
from phone_referrals.signin import sign_in as sign_in_module
from phone_referrals.signin import verification
from phone_referrals.signin.backend import Proof
from phone_referrals.signin.sign_in import SignedIn, sign_in
from phone_referrals.signin.verification import CodeSent, check_code, request_code
from phone_referrals.tokens import get_issuer
from tests.races import naive

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 20
# A twin breaks its rule nearly always; rounds only make "nearly" not matter.
ROUNDS = 10


@pytest.fixture
def forget(outbox):
    """Go back to a site that has not heard of any phone."""

    def forget():
        outbox.clear()
        PhoneVerification.objects.all().delete()
        get_user_model().objects.all().delete()

    return forget


@pytest.fixture
def one_right_code(at_once, forget, send_code, phone):
    def scenario():
        forget()
        code = send_code(phone)
        return Counter(map(type, at_once(*[lambda: sign_in(phone_number=phone, code=code)] * THREADS)))

    return scenario


def test_one_code_signs_in_once_however_many_enter_it(one_right_code):
    assert one_right_code() == {SignedIn: 1, CodeExpired: THREADS - 1}
    assert Token.objects.count() == 1


def test_one_code_signs_in_many_times_without_comparing(one_right_code, monkeypatch):
    monkeypatch.setattr(verification, "_decide", naive.decide)

    assert any(one_right_code()[SignedIn] > 1 for _ in range(ROUNDS))


@pytest.fixture
def wrong_codes(at_once, forget, last_code, phone):
    def scenario(with_handle=True):
        forget()
        sent = request_code(phone_number=phone, host="example.com")
        handle = sent.request_id if with_handle else ""
        right = int(last_code(phone))
        guesses = [f"{(right + away) % 10**6:06}" for away in range(1, THREADS + 1)]
        calls = [lambda code=code: check_code(phone_number=phone, code=code, request_id=handle) for code in guesses]
        return Counter(map(type, at_once(*calls)))

    return scenario


@pytest.mark.parametrize(("with_handle", "judged"), [(True, 5), (False, 10)])
def test_no_more_wrong_guesses_are_judged_at_once(wrong_codes, phone, with_handle, judged):
    outcomes = wrong_codes(with_handle)

    assert outcomes[InvalidCode] == judged
    assert outcomes[TooManyGuesses] + outcomes[Busy] == THREADS - judged
    row = PhoneVerification.objects.get(phone_number=phone)
    assert row.wrong_guesses_since_success == judged
    assert row.unbound_guesses_since_success == len(row.unbound_guesses_at) == (0 if with_handle else 10)
    assert row.state.sent_at[0].wrong_guesses == (5 if with_handle else 0)


@pytest.mark.parametrize(("with_handle", "judged"), [(True, 5), (False, 10)])
def test_more_wrong_guesses_are_judged_without_comparing(wrong_codes, monkeypatch, with_handle, judged):
    monkeypatch.setattr(verification, "_decide", naive.decide)

    assert any(wrong_codes(with_handle)[InvalidCode] > judged for _ in range(ROUNDS))


@pytest.fixture(params=[False, True], ids=["new", "known"])
def requests_for_a_code(request, at_once, forget, send_code, outbox, phone):
    def scenario():
        forget()
        if request.param:
            check_code(phone_number=phone, code=send_code(phone))
            outbox.clear()
        call = lambda: request_code(phone_number=phone, host="example.com")  # noqa: E731
        return Counter(map(type, at_once(*[call] * THREADS)))

    return scenario


def test_one_message_is_sent_however_many_ask_for_it_at_once(requests_for_a_code, outbox):
    assert requests_for_a_code() == {CodeSent: 1, ResendTooSoon: THREADS - 1}
    assert len(outbox) == 1


def test_more_messages_are_sent_without_comparing(requests_for_a_code, outbox, monkeypatch):
    monkeypatch.setattr(verification, "_decide", naive.decide)

    assert any(requests_for_a_code()[CodeSent] > 1 and len(outbox) > 1 for _ in range(ROUNDS))


@pytest.fixture
def first_sign_ins(at_once, forget, phone):
    """All have proven the phone before any of them has created its user."""

    def scenario():
        forget()
        call = lambda: sign_in_module._enter(Proof(phone_number=phone), get_issuer())  # noqa: E731
        return at_once(*[call] * THREADS)

    return scenario


def test_first_sign_ins_at_once_make_one_user(first_sign_ins):
    signed_in = first_sign_ins()

    assert Counter(map(type, signed_in)) == {SignedIn: THREADS}
    assert [each.created for each in signed_in].count(True) == 1
    assert len({each.token["token"] for each in signed_in}) == 1
    assert get_user_model().objects.count() == Token.objects.count() == 1


def test_first_sign_ins_at_once_fail_without_a_second_look(first_sign_ins, monkeypatch):
    monkeypatch.setattr(sign_in_module, "_enter", naive.enter)

    assert any(Counter(map(type, first_sign_ins())).keys() != {SignedIn} for _ in range(ROUNDS))
