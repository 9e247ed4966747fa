import hashlib
import hmac
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from phone_referrals.exceptions import InvalidCode
from phone_referrals.signin import codes
from phone_referrals.signin.codes import DAY, Limits, Outcome, Purpose, State

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits(
    lifetime=600,
    guesses_per_code=5,
    guesses_per_phone=100,
    messages_per_day=10,
    resend_wait=30,
    resend_wait_max=3600,
)
NOTHING_YET = State()
SPECIMEN = {"phone_number": "+12015550100", "purpose": "sign_in", "serial": 1, "digits": 10, "secret": "s3cret"}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def request(state=NOTHING_YET, seconds: float = 0, *, serial: int = 1, limits: Limits = LIMITS):
    return codes.on_request(state, now=at(seconds), limits=limits, new_serial=serial)


def guess(state, seconds: float = 0, *, right: bool = False, limits: Limits = LIMITS):
    return codes.on_guess(state, now=at(seconds), limits=limits, is_right=right)


def live(**changes):
    return replace(request().state, **changes)


# The code


def test_a_code_is_an_hmac_under_a_key_of_its_own():
    """Computed here by other means, so that a release cannot change the codes of messages under way."""
    key = hashlib.sha256(b"phone_referrals.signin.codes" + b"s3cret").digest()
    digest = hmac.digest(key, b"sign_in|+12015550100|1", "sha256")
    assert codes.derive(**SPECIMEN) == str(int.from_bytes(digest, "big"))[-10:]


@pytest.mark.parametrize(
    "change", [{"phone_number": "+12015550101"}, {"purpose": "other"}, {"serial": -1}, {"secret": "s3cret2"}], ids=str
)
def test_a_code_depends_on_phone_purpose_serial_and_secret(change):
    assert codes.derive(**SPECIMEN) == codes.derive(**SPECIMEN)
    assert codes.derive(**{**SPECIMEN, **change}) != codes.derive(**SPECIMEN)


@given(serial=st.integers(-(2**63), 2**63 - 1), digits=st.integers(1, 10))
def test_a_code_has_all_its_digits_zeros_in_front_too(serial, digits):
    code = codes.derive(**{**SPECIMEN, "serial": serial, "digits": digits})
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()


def test_codes_are_spread_evenly():
    counts = [0] * 10
    for serial in range(5000):
        counts[int(codes.derive(**{**SPECIMEN, "serial": serial, "digits": 1}))] += 1
    assert all(400 < count < 600 for count in counts)


@pytest.mark.parametrize(
    "typed",
    [
        "012345",
        " 012345\n",
        "012 345",
        "0 1 2 3 4 5",
        "012-345",
        "012\u2013345",
        "012\u00a0345",
        "\u2003012\u2009345",
        "０１２３４５",
        "٠١٢٣٤٥",
        "०१२ ३४५",
        "𝟘𝟙𝟚𝟛𝟜𝟝",
        "012345.",
        "#012345",
        "«012 345»",
        "“012345”,",
        "(012345)",
        "[012-345]",
        "<012345>",
        "`012345`!",
        "\u2066012\u200b345\u2069",
        "\ufeff0\ufe0f12\u00ad345\u2060",
        "012\u2212345",
        "012\u202f345\u3000",
    ],
)
def test_a_code_is_read_in_any_spelling(typed):
    assert codes.read(typed, digits=6) == "012345"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "------",
        "01234",
        "0123456",
        "01234x",
        "+01234",
        "0.1234",
        "½12345",
        "¹²³⁴⁵⁶",
        "一二三四五六",
        "01234\u0301\u0035",  # an accent
        "\U000e0030\U000e0031\U000e0032\U000e0033\U000e0034\U000e0035",  # tags, which nobody sees
        "\u202e012345",  # is shown from its end
        "O12345",
        "0" * 10_000,
    ],
)
def test_what_is_no_code_is_refused_and_says_how_many_digits_there_are(typed):
    with pytest.raises(InvalidCode, match=r"\['Enter the 6 digits of the code\.'\]") as refusal:
        codes.read(typed, digits=6)
    assert refusal.value.extra == {}


@given(
    typed=st.text(max_size=20) | st.text(st.sampled_from("0123٣#.-() \u200b\u202e\u00b3\u0301")),
    digits=st.integers(1, 10),
)
def test_whatever_is_read_has_its_digits_and_no_other(typed, digits):
    try:
        code = codes.read(typed, digits=digits)
    except InvalidCode:
        return
    assert code == "".join(str(unicodedata.decimal(char)) for char in typed if unicodedata.category(char) == "Nd")
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()


@pytest.mark.parametrize(
    ("code", "candidates", "expected"),
    [
        ("123456", ["123456"], True),
        ("123456", ["000000", "123456"], True),
        ("123456", ["123456", "000000"], True),
        ("123456", ["123457"], False),
        ("123456", ["1234567", "12345"], False),
        ("", ["123456"], False),
        ("123456", [], False),
        ("🔑", ["123456"], False),
    ],
)
def test_a_code_matches_any_candidate_as_a_whole(code, candidates, expected):
    assert codes.matches(code, candidates) is expected


# Requests


def test_the_first_request_sends_a_new_code_for_its_whole_life():
    decision = request(serial=7)
    assert (decision.outcome, decision.wait) == (Outcome.SEND, 30)
    assert decision.state == State(
        serial=7,
        code_expires_at=at(600),
        sent_at=(START.timestamp(),),
        sent_since_success=1,
        resend_at=at(30),
    )


@pytest.mark.parametrize(("seconds", "serial"), [(30, 1), (299.9, 1), (300, 2), (301, 2), (600, 2), (10_000, 2)])
def test_a_resend_keeps_the_code_while_more_than_half_its_life_is_left(seconds, serial):
    state = request(live(wrong_guesses=3, wrong_guesses_since_success=8), seconds, serial=2).state
    assert state.serial == serial
    assert state.code_expires_at == (at(600) if serial == 1 else at(seconds + 600))
    assert state.wrong_guesses == (3 if serial == 1 else 0)
    assert state.wrong_guesses_since_success == 8


def test_a_code_without_guesses_is_not_sent_again():
    state = request(live(wrong_guesses=5, wrong_guesses_since_success=5), 30, serial=2).state
    assert (state.serial, state.wrong_guesses, state.wrong_guesses_since_success) == (2, 0, 5)


def test_a_dead_code_is_not_sent_again():
    assert request(guess(live(), right=True).state, 1, serial=2).state.serial == 2


@pytest.mark.parametrize(("seconds", "wait"), [(0, 30), (0.001, 30), (29, 1), (29.999, 1)])
def test_a_request_too_soon_is_refused_and_changes_nothing(seconds, wait):
    decision = request(live(), seconds)
    assert (decision.outcome, decision.wait, decision.state) == (Outcome.TOO_SOON, wait, live())


def test_who_waits_as_long_as_told_is_served():
    refused = request(live(), 0.5)
    assert request(live(), 0.5 + refused.wait).outcome == Outcome.SEND


def test_the_wait_doubles_up_to_an_hour():
    state, seconds, waits = State(), 0, []
    for _ in range(10):
        decision = request(state, seconds)
        state, seconds = decision.state, seconds + decision.wait
        waits.append(decision.wait)
    assert waits[:9] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_with_the_last_message_of_the_day_comes_the_wait_for_the_next_day():
    sent_at = tuple(at(60 * minute).timestamp() for minute in range(9))
    last = request(State(sent_at=sent_at), 3600)
    assert (last.outcome, last.wait) == (Outcome.SEND, DAY.total_seconds() + 600 - 3600)
    refused = request(last.state, 3601)
    assert (refused.outcome, refused.wait) == (Outcome.TOO_MANY_MESSAGES, last.wait - 1)
    assert guess(replace(last.state, wrong_guesses=5), 3601).wait == last.wait - 1
    assert request(last.state, 3600 + last.wait).outcome == Outcome.SEND


def test_a_day_that_ends_before_the_wait_does_not_shorten_it():
    sent_at = tuple(at(60 * minute).timestamp() for minute in range(9))
    a_minute_before = DAY.total_seconds() + 600 - 60
    last = request(State(sent_at=sent_at, sent_since_success=9), a_minute_before)
    assert (last.outcome, last.wait) == (Outcome.SEND, 3600)
    refused = request(last.state, a_minute_before + 1)
    assert (refused.outcome, refused.wait) == (Outcome.TOO_MANY_MESSAGES, 3599)
    refused = request(last.state, a_minute_before + 60)
    assert (refused.outcome, refused.wait) == (Outcome.TOO_SOON, 3540)


def test_success_resets_the_wait_but_not_the_count_of_messages():
    state = request(request(live(), 30).state, 90).state
    decision = request(guess(state, 91, right=True).state, 92)
    assert (decision.outcome, decision.wait) == (Outcome.SEND, 30)
    assert len(decision.state.sent_at) == 4


def test_messages_that_no_longer_count_no_longer_lengthen_the_wait():
    state = request(request(live(), 30).state, 90).state
    assert request(state, 2 * DAY.total_seconds()).wait == 30


def test_the_limit_of_messages_ends_when_the_first_code_has_been_dead_for_a_day():
    sent_at = tuple(at(3600 * hour).timestamp() for hour in range(10))
    state = State(sent_at=sent_at)
    refused = request(state, 3600 * 10)
    assert (refused.outcome, refused.state) == (Outcome.TOO_MANY_MESSAGES, state)
    assert refused.wait == DAY.total_seconds() + 600 - 3600 * 10
    assert request(state, 3600 * 10 + refused.wait - 1).outcome == Outcome.TOO_MANY_MESSAGES
    served = request(state, 3600 * 10 + refused.wait)
    assert served.outcome == Outcome.SEND
    assert len(served.state.sent_at) == 10


def test_a_limit_of_messages_that_was_lowered_holds_at_once():
    state = State(sent_at=tuple(at(3600 * hour).timestamp() for hour in range(10)))
    refused = request(state, 3600 * 10, limits=replace(LIMITS, messages_per_day=2))
    # The ninth message has to leave for one of two places to be free.
    assert refused.wait == 3600 * 8 + DAY.total_seconds() + 600 - 3600 * 10


@pytest.mark.parametrize(("wrong", "outcome"), [(99, Outcome.SEND), (100, Outcome.LOCKED), (101, Outcome.LOCKED)])
def test_a_locked_phone_is_sent_nothing(wrong, outcome):
    assert request(State(wrong_guesses_since_success=wrong)).outcome == outcome


# Guesses


@pytest.mark.parametrize(
    ("state", "seconds", "outcome"),
    [
        (State(), 0, Outcome.NOT_LIVE),
        (live(), 0, Outcome.ACCEPTED),
        (live(), 599.9, Outcome.ACCEPTED),
        (live(), 600, Outcome.NOT_LIVE),
        (live(), 601, Outcome.NOT_LIVE),
        (live(wrong_guesses=4), 0, Outcome.ACCEPTED),
        (live(wrong_guesses=5), 0, Outcome.TOO_MANY_GUESSES),
        (live(wrong_guesses_since_success=99), 0, Outcome.ACCEPTED),
        (live(wrong_guesses_since_success=100), 0, Outcome.LOCKED),
        (State(wrong_guesses_since_success=100), 0, Outcome.LOCKED),
    ],
)
def test_a_right_code_is_accepted_while_it_is_live_and_has_guesses(state, seconds, outcome):
    decision = guess(state, seconds, right=True)
    assert decision.outcome == outcome
    if outcome != Outcome.ACCEPTED:
        assert decision.state == state
        assert guess(state, seconds, right=False) == decision, "a refusal must not tell whether the code was right"


def test_a_right_code_ends_itself_and_every_limit_but_that_of_messages():
    state = live(wrong_guesses=4, wrong_guesses_since_success=44, sent_since_success=3)
    assert guess(state, right=True).state == State(sent_at=state.sent_at)


def test_a_wrong_code_counts_for_the_code_and_for_the_phone():
    decision = guess(live(wrong_guesses=1, wrong_guesses_since_success=50))
    assert decision.outcome == Outcome.WRONG
    assert decision.state == live(wrong_guesses=2, wrong_guesses_since_success=51)


@pytest.mark.parametrize(("seconds", "wait"), [(10, 20), (40, 0)])
def test_who_has_no_guesses_left_is_told_when_to_ask_for_a_new_code(seconds, wait):
    assert guess(live(wrong_guesses=5), seconds).wait == wait


def test_after_a_failed_message_a_new_code_need_not_be_waited_for():
    assert guess(live(wrong_guesses=5, resend_at=None)).wait == 0


@pytest.mark.parametrize(
    ("of_code", "of_phone", "left"), [(0, 0, 5), (4, 4, 1), (5, 5, 0), (1, 98, 2), (1, 99, 1), (1, 100, 0)]
)
def test_guesses_left_are_those_of_the_code_or_of_the_phone(of_code, of_phone, left):
    state = State(wrong_guesses=of_code, wrong_guesses_since_success=of_phone)
    assert codes.guesses_left(state, limits=LIMITS) == left


@pytest.mark.parametrize(("state", "seconds", "left"), [(live(), 0.5, 600), (live(), 700, 0), (State(), 0, 0)])
def test_seconds_left_are_whole_and_never_negative(state, seconds, left):
    assert codes.seconds_left(state, now=at(seconds)) == left


# Failed messages


@pytest.mark.parametrize(("maybe_sent", "counting"), [(True, 2), (False, 1)])
def test_a_failed_message_costs_no_wait_and_a_place_in_the_day_only_if_it_may_have_been_sent(maybe_sent, counting):
    first = request().state
    second = request(first, 30).state
    state = codes.on_failed_send(second, before=first, sent=second, maybe_sent=maybe_sent)
    assert len(state.sent_at) == counting
    assert state.sent_since_success == 1
    assert request(state, 30).outcome == Outcome.SEND
    assert (state.serial, state.code_expires_at) == (first.serial, first.code_expires_at)


def test_a_failed_message_that_counts_no_longer_gives_nothing_back():
    state = live()
    sent = request(seconds=-1).state
    assert codes.on_failed_send(state, before=State(), sent=sent, maybe_sent=False) == state


def test_a_message_that_fails_after_its_code_was_used_leaves_no_negative_count():
    state = guess(live(), right=True).state
    given_back = codes.on_failed_send(state, before=State(), sent=live(), maybe_sent=False)
    assert (given_back.sent_since_success, given_back.serial) == (0, None)


def test_a_code_that_was_never_sent_is_not_live_and_the_one_before_it_is():
    old = live()
    new = request(old, LIMITS.lifetime / 2, serial=2).state
    assert new.serial != old.serial
    assert codes.on_failed_send(new, before=old, sent=new, maybe_sent=False) == old
    assert codes.on_failed_send(new, before=old, sent=new, maybe_sent=True).serial == new.serial


def test_a_code_that_was_guessed_at_uses_up_its_place_in_the_day_even_if_it_was_never_sent():
    guessed = guess(live(), right=False).state
    given_back = codes.on_failed_send(guessed, before=State(), sent=live(), maybe_sent=False)
    assert given_back.sent_at == guessed.sent_at
    assert given_back.serial == guessed.serial


# What holds for every history. Small limits, so that short histories reach them.

SMALL = Limits(
    lifetime=60,
    guesses_per_code=2,
    guesses_per_phone=1000,
    messages_per_day=2,
    resend_wait=1,
    resend_wait_max=2,
)
DAY_SECONDS = int(DAY.total_seconds())
histories = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 2, 31, 59, DAY_SECONDS - 59, DAY_SECONDS, DAY_SECONDS + 60]),
        st.sampled_from(["request", "request", "wrong", "wrong", "right"]),
    ),
    max_size=60,
)


def replay(history, limits):
    """Return the times of the messages and of the guesses that were judged, with the outcome of each."""
    state, seconds, messages, judged = State(), 0, [], []
    for serial, (gap, action) in enumerate(history):
        seconds += gap
        if action == "request":
            decision = request(state, seconds, serial=serial, limits=limits)
            if decision.outcome == Outcome.SEND:
                messages.append(seconds)
        else:
            decision = guess(state, seconds, right=action == "right", limits=limits)
            if decision.outcome in {Outcome.ACCEPTED, Outcome.WRONG}:
                judged.append((seconds, decision.outcome))
        state = decision.state
    return messages, judged


def most_in_a_day(times):
    return max((sum(start <= time < start + DAY_SECONDS for time in times) for start in times), default=0)


@hypothesis_settings(deadline=None)
@given(histories)
def test_any_24_hours_see_no_more_than_the_limit_of_messages_and_the_guesses_of_their_codes(history):
    messages, judged = replay(history, SMALL)
    assert most_in_a_day(messages) <= 2
    assert most_in_a_day([time for time, _ in judged]) <= 4


def guess_keenly(steps):
    """Return the times of the guesses of somebody who asks as soon as told and leaves no guess unused.

    `steps` are pairs of seconds: how long to stay away first, and how long to keep a code before guessing.
    """
    state, seconds, judged = State(), 0, []
    for serial, (pause, delay) in enumerate(steps):
        seconds += pause
        while (decision := request(state, seconds, serial=serial, limits=SMALL)).outcome != Outcome.SEND:
            seconds += decision.wait
        state, seconds = decision.state, seconds + delay
        while (decision := guess(state, seconds, limits=SMALL)).outcome == Outcome.WRONG:
            state = decision.state
            judged.append(seconds)
    return judged


@hypothesis_settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 60, 3600, DAY_SECONDS]), st.integers(0, 60)), max_size=10))
def test_any_24_hours_see_no_more_than_that_of_the_keenest_guesser(steps):
    assert most_in_a_day(guess_keenly(steps)) <= 4


@hypothesis_settings(deadline=None)
@given(histories)
def test_no_more_wrong_guesses_than_the_limit_are_judged_between_two_successes(history):
    wrong = 0
    for _, outcome in replay(history, replace(SMALL, guesses_per_phone=3, messages_per_day=50))[1]:
        wrong = 0 if outcome == Outcome.ACCEPTED else wrong + 1
        assert wrong <= 3


def test_the_purpose_is_stored_as_its_plain_word():
    assert str(Purpose.SIGN_IN) == f"{Purpose.SIGN_IN}" == "sign_in"


def test_half_a_character_matches_no_code():
    assert not codes.matches("12345\ud800", ["123456"])


@pytest.mark.parametrize("is_test", [False, True])
def test_a_request_that_is_allowed_sends(is_test):
    decision = codes.on_request(NOTHING_YET, now=START, limits=LIMITS, new_serial=1, is_test=is_test)
    assert decision.outcome == Outcome.SEND
