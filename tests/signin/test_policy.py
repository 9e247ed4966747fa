from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from phone_referrals.signin import policy
from phone_referrals.signin.models import Message, State
from phone_referrals.signin.policy import DAY, Failure, Limits, Outcome

START = 1_893_499_200.0  # 2030-01-01T12:00:00Z
LIMITS = Limits(lifetime=600, messages_per_day=10, resend_wait=(30, 3600))
NOTHING_YET = State()


def at(seconds: float) -> float:
    return START + seconds


def request(state=NOTHING_YET, seconds: float = 0, *, serial: int = 1, limits: Limits = LIMITS, **kwargs):
    return policy.on_request(state, now=at(seconds), limits=limits, new_serial=serial, **kwargs)


def guess(state, seconds: float = 0, *, right: bool = False, limits: Limits = LIMITS, own=(0,)):
    return policy.on_guess(state, now=at(seconds), limits=limits, is_right=right, own=own)


def fail(state, sent, before, failure, seconds: float = 0):
    return policy.on_failed_send(
        state, sent_at=sent.sent_at[-1].sent_at, before=before, failure=failure, now=at(seconds), limits=LIMITS
    )


def live(**changes):
    return replace(request().state, **changes)


def guessed(wrong: int, **changes):
    """Return a state whose one message was guessed at so often."""
    return live(sent_at=(Message(START, wrong),), **changes)


def messages(*times):
    return tuple(Message(at(time)) for time in times)


# Requests


def test_the_first_request_sends_a_new_code_for_its_whole_life():
    decision = request(serial=7, owner="digest")
    assert (decision.outcome, decision.wait) == (Outcome.SEND, 30)
    assert decision.state == State(
        serial=7,
        code_expires_at=at(600),
        sent_at=(Message(START, 0, "digest"),),
        sent_since_success=1,
        resend_at=at(30),
    )


@pytest.mark.parametrize(("seconds", "serial"), [(30, 1), (299.9, 1), (300, 2), (301, 2), (600, 2), (10_000, 2)])
def test_a_resend_keeps_the_code_in_the_first_half_of_its_life(seconds, serial):
    state = request(guessed(3, wrong_guesses_since_success=8), seconds, serial=2).state
    assert state.serial == serial
    assert state.code_expires_at == (at(600) if serial == 1 else at(seconds + 600))
    assert [each.wrong_guesses for each in state.sent_at] == [3 if serial == 1 else 5, 0]
    assert state.wrong_guesses_since_success == 8


def test_wrong_guesses_never_end_a_code():
    assert request(guessed(5, wrong_guesses_since_success=5), 30, serial=2).state.serial == 1


def test_a_dead_code_is_not_sent_again():
    assert request(guess(live(), right=True).state, 1, serial=2).state.serial == 2


def test_a_new_code_takes_guesses_and_owner_of_earlier_messages():
    first = request(owner="digest").state
    assert request(first, 300, serial=2, owner="other").state.sent_at == (
        Message(START, 5),
        Message(at(300), 0, "other"),
    )


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


def test_the_last_message_tells_the_wait_for_the_next_day():
    last = request(State(sent_at=messages(*range(0, 540, 60))), 3600)
    assert (last.outcome, last.wait) == (Outcome.SEND, DAY + 600 - 3600)
    refused = request(last.state, 3601)
    assert (refused.outcome, refused.wait) == (Outcome.TOO_MANY_MESSAGES, last.wait - 1)
    spent = replace(last.state, sent_at=(*last.state.sent_at[:-1], Message(at(3600), 5)))
    assert guess(spent, 3601, own=[9]).wait == last.wait - 1
    assert request(last.state, 3600 + last.wait).outcome == Outcome.SEND


def test_a_day_that_ends_before_the_wait_does_not_shorten_it():
    a_minute_before = DAY + 600 - 60
    last = request(State(sent_at=messages(*range(0, 540, 60)), sent_since_success=9), a_minute_before)
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


def test_old_messages_no_longer_lengthen_the_wait():
    state = request(request(live(), 30).state, 90).state
    assert request(state, 2 * DAY).wait == 30


def test_the_limit_of_messages_ends_a_day_after_the_first_code():
    state = State(sent_at=messages(*range(0, 36_000, 3600)))
    refused = request(state, 3600 * 10)
    assert (refused.outcome, refused.state) == (Outcome.TOO_MANY_MESSAGES, state)
    assert refused.wait == DAY + 600 - 3600 * 10
    assert request(state, 3600 * 10 + refused.wait - 1).outcome == Outcome.TOO_MANY_MESSAGES
    served = request(state, 3600 * 10 + refused.wait)
    assert served.outcome == Outcome.SEND
    assert len(served.state.sent_at) == 10


def test_a_limit_of_messages_that_was_lowered_holds_at_once():
    state = State(sent_at=messages(*range(0, 36_000, 3600)))
    refused = request(state, 3600 * 10, limits=replace(LIMITS, messages_per_day=2))
    # The ninth message has to leave for one of two places to be free.
    assert refused.wait == 3600 * 8 + DAY + 600 - 3600 * 10


@pytest.mark.parametrize(("wrong", "outcome"), [(99, Outcome.SEND), (100, Outcome.LOCKED), (101, Outcome.LOCKED)])
@pytest.mark.parametrize("is_test", [False, True])
def test_a_locked_phone_is_sent_nothing(wrong, outcome, is_test):
    assert request(State(wrong_guesses_since_success=wrong), is_test=is_test).outcome == outcome


# Test numbers


def test_a_test_number_keeps_its_code_and_its_five_guesses():
    first = request(is_test=True)
    assert (first.wait, first.state.sent_at, first.state.resend_at) == (0, (Message(START),), None)
    wrong = guess(first.state).state
    assert request(wrong, 1, serial=2, is_test=True).state == wrong


@pytest.mark.parametrize(("wrong", "seconds"), [(5, 1), (4, 300)])
def test_a_test_number_has_no_limit_of_messages(wrong, seconds):
    state = guessed(wrong, wrong_guesses_since_success=wrong, unbound_guesses_at=(START,))
    renewed = request(state, seconds, serial=2, is_test=True).state
    assert (renewed.serial, renewed.sent_at) == (2, (Message(at(seconds)),))
    assert (renewed.wrong_guesses_since_success, renewed.unbound_guesses_at) == (wrong, (START,))


# Guesses


@pytest.mark.parametrize(
    ("state", "seconds", "outcome"),
    [
        (State(), 0, Outcome.NOT_LIVE),
        (live(), 0, Outcome.ACCEPTED),
        (live(), 599.9, Outcome.ACCEPTED),
        (live(), 600, Outcome.NOT_LIVE),
        (live(), 601, Outcome.NOT_LIVE),
        (guessed(4), 0, Outcome.ACCEPTED),
        (guessed(5), 0, Outcome.TOO_MANY_GUESSES),
        (live(wrong_guesses_since_success=99), 0, Outcome.ACCEPTED),
        (live(wrong_guesses_since_success=100), 0, Outcome.LOCKED),
        (State(sent_at=(Message(START),), wrong_guesses_since_success=100), 0, Outcome.LOCKED),
    ],
)
def test_a_right_code_is_accepted_while_live_with_guesses(state, seconds, outcome):
    decision = guess(state, seconds, right=True)
    assert decision.outcome == outcome
    if outcome != Outcome.ACCEPTED:
        assert decision.state == state
        assert guess(state, seconds, right=False) == decision, "a refusal must not tell whether the code was right"


def test_a_right_code_ends_itself_and_all_but_daily_limits():
    state = guessed(
        4,
        wrong_guesses_since_success=44,
        sent_since_success=3,
        refused_in_a_row=2,
        unbound_guesses_at=(1.5,),
        unbound_guesses_since_success=9,
    )
    assert guess(state, right=True).state == State(sent_at=state.sent_at, unbound_guesses_at=(1.5,))
    without_handle = guess(state, right=True, own=()).state
    assert without_handle == State(sent_at=state.sent_at, unbound_guesses_at=(1.5, START))


def test_a_wrong_code_counts_for_its_message_and_for_the_phone():
    state = replace(request(guessed(1), 30).state, wrong_guesses_since_success=50)
    decision = guess(state, 30, own=[1])
    assert (decision.outcome, decision.guesses_left) == (Outcome.WRONG, 4)
    assert [each.wrong_guesses for each in decision.state.sent_at] == [1, 1]
    assert decision.state.wrong_guesses_since_success == 51
    assert decision.state.unbound_guesses_at == ()


def test_guesses_without_a_handle_leave_those_of_the_messages():
    state = live()
    for left in range(9, -1, -1):
        decision = guess(state, own=())
        assert (decision.outcome, decision.guesses_left) == (Outcome.WRONG, left)
        state = decision.state
    assert (state.sent_at, state.serial) == (live().sent_at, 1)
    assert guess(state, right=True, own=()).outcome == Outcome.TOO_MANY_GUESSES
    assert guess(state, right=True).outcome == Outcome.ACCEPTED


def test_guesses_of_a_message_leave_those_without_a_handle():
    assert guess(guessed(5, wrong_guesses_since_success=5), own=()).guesses_left == 9


def test_unbound_guesses_count_for_24_hours_each():
    times = tuple(at(hour * 3600) for hour in range(10))
    state = request(State(unbound_guesses_at=times, unbound_guesses_since_success=10), DAY - 1).state
    assert guess(state, DAY - 0.5, own=()).outcome == Outcome.TOO_MANY_GUESSES
    decision = guess(state, DAY, own=())
    assert (decision.outcome, decision.guesses_left) == (Outcome.WRONG, 0)
    assert decision.state.unbound_guesses_at == (*times[1:], at(DAY))


def test_twenty_unbound_guesses_are_judged_between_successes():
    state = live(unbound_guesses_since_success=19)
    last = guess(state, own=())
    assert (last.outcome, last.guesses_left) == (Outcome.WRONG, 0)
    assert guess(last.state, right=True, own=()).outcome == Outcome.TOO_MANY_GUESSES
    assert guess(last.state, right=True).outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(("guesses", "outcome"), [((5, 4), Outcome.ACCEPTED), ((5, 5), Outcome.TOO_MANY_GUESSES)])
def test_a_user_has_the_guesses_of_all_own_messages(guesses, outcome):
    state = live(sent_at=tuple(Message(START + place, wrong) for place, wrong in enumerate(guesses)))
    assert guess(state, 2, right=True, own=[0, 1]).outcome == outcome


@pytest.mark.parametrize(("seconds", "wait"), [(10, 20), (40, 0)])
@pytest.mark.parametrize("own", [(0,), ()])
def test_without_guesses_the_time_of_a_new_code_is_told(seconds, wait, own):
    assert guess(guessed(5, unbound_guesses_since_success=20), seconds, own=own).wait == wait


def test_after_a_failed_message_a_new_code_has_no_wait():
    assert guess(guessed(5, resend_at=None)).wait == 0


@pytest.mark.parametrize(("of_message", "of_phone", "left"), [(0, 0, 4), (3, 3, 1), (4, 4, 0), (1, 97, 2), (1, 99, 0)])
def test_guesses_left_are_those_of_the_message_or_of_the_phone(of_message, of_phone, left):
    assert guess(guessed(of_message, wrong_guesses_since_success=of_phone)).guesses_left == left


@pytest.mark.parametrize(("day", "since_success", "of_phone", "left"), [(0, 18, 18, 1), (8, 8, 8, 1), (0, 0, 98, 1)])
def test_unbound_guesses_left_are_those_of_the_nearest_limit(day, since_success, of_phone, left):
    state = live(
        unbound_guesses_at=(START,) * day,
        unbound_guesses_since_success=since_success,
        wrong_guesses_since_success=of_phone,
    )
    assert guess(state, own=()).guesses_left == left


@pytest.mark.parametrize(("state", "seconds", "left"), [(live(), 0.5, 600), (live(), 700, 0), (State(), 0, 0)])
def test_seconds_left_are_whole_and_never_negative(state, seconds, left):
    assert policy.seconds_left(state, now=at(seconds), limits=LIMITS) == left


# A clock that is set back


@pytest.mark.parametrize("back", [6, 60, 3600, 30 * DAY])
def test_a_code_never_lives_longer_than_its_lifetime_from_now(back):
    code = live()
    assert policy.seconds_left(code, now=at(-back), limits=LIMITS) == 0
    assert guess(code, -back, right=True).outcome == Outcome.NOT_LIVE
    # The owner is not kept waiting until the clock is there again, either.
    wait = request(code, -back).outcome == Outcome.TOO_SOON and request(code, -back).wait
    assert wait <= 3600
    renewed = request(code, wait - back, serial=2)
    assert renewed.outcome == Outcome.SEND
    assert policy.seconds_left(renewed.state, now=at(wait - back), limits=LIMITS) <= 600


def test_clocks_of_two_servers_may_differ_a_little():
    assert guess(live(), -4.9, right=True).outcome == Outcome.ACCEPTED
    assert policy.seconds_left(live(), now=at(-4.9), limits=LIMITS) == 600
    assert guess(live(), -5.1, right=True).outcome == Outcome.NOT_LIVE


@pytest.mark.parametrize(
    ("state", "longest"),
    [
        (State(resend_at=at(30 * DAY)), 0),
        (State(resend_at=at(3604)), 3600),
        (State(sent_at=messages(*range(10))), DAY + 600),
        (State(sent_at=messages(*[5 * DAY] * 10)), 0),
    ],
)
def test_no_wait_is_too_long_after_a_clock_was_set_back(state, longest):
    assert request(state, 0).wait == longest or request(state, 0).outcome == Outcome.SEND


# Failed messages


def test_a_message_of_unknown_fate_costs_its_place_and_no_wait():
    first = request().state
    second = request(first, 30).state
    decision = fail(second, second, first, Failure.UNKNOWN, 30)
    assert (decision.wait, len(decision.state.sent_at), decision.state.sent_since_success) == (0, 2, 1)
    assert request(decision.state, 30).outcome == Outcome.SEND


def test_a_message_that_was_not_tried_has_never_been():
    first = request().state
    for seconds in (30, 400):
        second = request(first, seconds, serial=2).state
        given_back = fail(second, second, first, Failure.NOT_TRIED, seconds).state
        assert given_back == replace(first, resend_at=None)


def test_a_refused_message_frees_its_place_and_leaves_a_wait():
    first = request().state
    second = request(first, 400, serial=2).state
    decision = fail(second, second, first, Failure.REFUSED, 401)
    assert decision.wait == 30
    assert decision.state == replace(first, resend_at=at(431), refused_in_a_row=1)


def test_the_wait_doubles_while_the_gateway_refuses():
    state, seconds, waits = State(), 0, []
    for _ in range(10):
        before, sent = state, request(state, seconds)
        assert sent.outcome == Outcome.SEND
        refused = fail(sent.state, sent.state, before, Failure.REFUSED, seconds)
        state, seconds = refused.state, seconds + refused.wait
        waits.append(refused.wait)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert state.sent_at == ()
    sent = request(state, seconds)
    assert (sent.wait, sent.state.refused_in_a_row) == (30, 0), "a message that is sent ends it"


def test_a_worker_without_the_earlier_state_keeps_the_code():
    sent = request().state
    refused = fail(sent, sent, None, Failure.REFUSED).state
    assert (refused.serial, refused.sent_at, refused.refused_in_a_row) == (1, (), 1)


def test_an_old_failed_message_gives_nothing_back():
    state = live()
    sent = request(seconds=-1).state
    assert fail(state, sent, State(), Failure.REFUSED).state == state


def test_a_message_failing_after_success_counts_below_nothing():
    state = guess(live(), right=True).state
    given_back = fail(state, live(), State(), Failure.NOT_TRIED).state
    assert (given_back.sent_since_success, given_back.serial, given_back.sent_at) == (0, None, ())


def test_an_unsent_code_is_not_live_and_the_one_before_is():
    old = guessed(2)
    new = request(old, LIMITS.lifetime / 2, serial=2).state
    assert new.serial != old.serial
    given_back = fail(new, new, old, Failure.REFUSED).state
    assert (given_back.serial, given_back.code_expires_at, given_back.sent_at) == (1, at(600), old.sent_at)
    assert fail(new, new, old, Failure.UNKNOWN).state.serial == new.serial


def test_a_message_that_was_guessed_at_keeps_its_place():
    state = guess(live()).state
    for failure in Failure:
        given_back = fail(state, live(), State(), failure).state
        assert (given_back.sent_at, given_back.serial) == (state.sent_at, 1)


def test_unbound_guesses_stay_counted_after_a_refund():
    state = guess(live(), own=()).state
    given_back = fail(state, live(), State(), Failure.NOT_TRIED).state
    assert (given_back.serial, given_back.sent_at) == (None, ())
    assert (given_back.unbound_guesses_at, given_back.wrong_guesses_since_success) == ((START,), 1)


@pytest.mark.parametrize("failure", Failure)
def test_a_late_failure_leaves_the_wait_of_the_next_message(failure):
    first = request().state
    second = request(first, 30).state
    given_back = fail(second, first, State(), failure, 40).state
    assert (given_back.resend_at, given_back.serial, given_back.refused_in_a_row) == (at(90), 1, 0)
    assert len(given_back.sent_at) == (2 if failure == Failure.UNKNOWN else 1)


# What holds for every history. Small limits, so that short histories reach them.

SMALL = Limits(lifetime=60, messages_per_day=2, resend_wait=(1, 2))
DAY_SECONDS = int(DAY)
histories = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 2, 31, 59, DAY_SECONDS - 59, DAY_SECONDS, DAY_SECONDS + 60]),
        st.sampled_from(["request", "request", "refused", "not tried", "right", "right, unbound", "wrong", "unbound"]),
        st.integers(1, 6),
    ),
    max_size=60,
)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(policy, "GUESSES_PER_MESSAGE", 2)
    monkeypatch.setattr(policy, "UNBOUND_GUESSES_PER_DAY", 3)
    monkeypatch.setattr(policy, "UNBOUND_GUESSES_SINCE_SUCCESS", 5)
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 11)


def replay(history):
    """Return the times of the messages, and of the guesses that were judged, with what each of them was."""
    state, seconds, sent, judged = State(), 0, [], []
    for serial, (gap, action, times) in enumerate(history):
        seconds += gap
        if action in {"request", "refused", "not tried"}:
            before, decision = state, request(state, seconds, serial=serial, limits=SMALL)
            state = decision.state
            if decision.outcome != Outcome.SEND:
                continue
            if action == "request":
                sent.append(seconds)
            else:
                failure = Failure.REFUSED if action == "refused" else Failure.NOT_TRIED
                state = fail(state, state, before, failure, seconds).state
            continue
        for _ in range(times):
            is_right, is_unbound = action.startswith("right"), action.endswith("unbound")
            # A client has the handle of the latest message, as every client has in turn.
            own = [] if is_unbound or not state.sent_at else [len(state.sent_at) - 1]
            decision = guess(state, seconds, right=is_right, limits=SMALL, own=own)
            if decision.outcome in {Outcome.ACCEPTED, Outcome.WRONG}:
                judged.append((seconds, is_right, not own))
            state = decision.state
    return sent, judged


def most_in_a_day(times):
    return max((sum(start <= time < start + DAY_SECONDS for time in times) for start in times), default=0)


@pytest.mark.unmeasured
@pytest.mark.usefixtures("small")
def test_no_history_passes_the_bounds():
    @hypothesis_settings(deadline=None, max_examples=300)
    @given(histories)
    def check(history):
        sent, judged = replay(history)
        assert most_in_a_day(sent) <= 2
        assert most_in_a_day([time for time, _, is_unbound in judged if is_unbound]) <= 3
        assert most_in_a_day([time for time, _, _ in judged]) <= 2 * 2 + 3
        wrong = unbound = 0
        for _, is_right, is_unbound in judged:
            wrong, unbound = (0, 0) if is_right else (wrong + 1, unbound + is_unbound)
            assert wrong <= 11
            assert unbound <= 5

    check()


def attack(*, with_handle=True, without_handle=True):
    """Return when guesses of an attacker were judged who asks as soon as told and leaves none unused, in a month.

    Nobody signs in meanwhile.
    """
    state, seconds, judged = State(), 0, []
    for serial in range(2000):
        decision = request(state, seconds, serial=serial)
        if decision.outcome == Outcome.LOCKED or seconds > 30 * DAY:
            break
        state = decision.state
        for own in [(len(state.sent_at) - 1,)] * with_handle + [()] * without_handle:
            while (judgement := guess(state, seconds, own=own)).outcome == Outcome.WRONG:
                state = judgement.state
                judged.append(seconds)
        seconds += decision.wait
    return judged


@pytest.mark.parametrize(
    ("guesses", "per_day", "in_all"),
    [
        ({}, 60, 100),
        ({"without_handle": False}, 50, 100),
        ({"with_handle": False}, 10, 20),
    ],
    ids=["all", "with a handle", "without"],
)
def test_the_greedy_stranger_gets_what_the_documentation_says(guesses, per_day, in_all):
    judged = attack(**guesses)
    assert (most_in_a_day(judged), len(judged)) == (per_day, in_all)
