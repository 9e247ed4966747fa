from types import SimpleNamespace

import pytest
import time_machine

from phone_referrals.signin.pages import SESSION_KEY, PendingSignIn

NOW = 1_900_000_000


@pytest.fixture
def request_():
    return SimpleNamespace(session={})


def test_what_is_kept_is_found_until_it_is_dropped(request_, phone):
    pending = PendingSignIn(phone_number=phone, resend_at=NOW, next_url="/elsewhere/", code="123456")
    assert PendingSignIn.of(request_) is None

    pending.keep(request_)
    assert PendingSignIn.of(request_) == pending

    PendingSignIn.drop(request_)
    PendingSignIn.drop(request_)
    assert PendingSignIn.of(request_) is None
    assert request_.session == {}


def test_the_handles_of_the_latest_five_phones_are_kept(request_, phone):
    handles = {f"+1201555010{number}": str(number) for number in range(7)}
    PendingSignIn(phone_number=phone, resend_at=NOW, request_ids=handles).keep(request_)
    assert list(PendingSignIn.of(request_).request_ids.values()) == ["2", "3", "4", "5", "6"]


def test_neither_phone_nor_code_is_in_its_repr(phone):
    pending = PendingSignIn(phone_number=phone, resend_at=0, code="123456", request_ids={phone: "123456"})
    assert phone not in repr(pending)
    assert "123456" not in repr(pending)


@pytest.mark.parametrize(("after", "left"), [(0, 30), (0.1, 30), (0.9, 30), (29, 1), (29.7, 1), (30, 0), (99, 0)])
def test_nobody_is_told_to_come_back_too_early(phone, after, left):
    pending = PendingSignIn(phone_number=phone, resend_at=NOW + 30)
    with time_machine.travel(NOW + after, tick=False):
        assert pending.resend_in == left


@pytest.mark.parametrize("kept", [None, {}, {"phone_number": "+12015550100", "colour": "blue"}, "text"])
def test_what_another_release_has_kept_is_as_nothing(request_, kept):
    request_.session[SESSION_KEY] = kept
    assert PendingSignIn.of(request_) is None
