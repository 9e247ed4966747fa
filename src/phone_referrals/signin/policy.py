"""The policy of sign-in codes: how a request or a guess changes the state of a phone.

Nothing here touches the database, the clock or the settings: state, time and limits come in, the outcome and the
new state go out. Times are POSIX seconds, which know no time zone and no summer time. `verification.py` reads, calls
this, and writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from phone_referrals.signin.models import Message, State

DAY = 24 * 3600.0
# The clocks of two servers may differ by so many seconds. A time further ahead than that was written by a clock that
# has been set back since.
SKEW = 5.0

# Guesses that are judged. With ten messages a day they add up to 10 × 5 + 10 = 60 in any 24 hours, and to 100 between
# two successes, which is the most that NIST SP 800-63B-4, 3.2.2 allows.
GUESSES_PER_MESSAGE = 5
GUESSES_SINCE_SUCCESS = 100
UNBOUND_GUESSES_PER_DAY = 10
UNBOUND_GUESSES_SINCE_SUCCESS = 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The settings the policy depends on; durations in seconds."""

    lifetime: int
    messages_per_day: int
    resend_wait: tuple[int, int]  # The first, and the most that it doubles to.


class Outcome(StrEnum):
    """The result of a request or of a guess."""

    SEND = "send"
    ACCEPTED = "accepted"
    WRONG = "wrong"
    NOT_LIVE = "not_live"
    TOO_MANY_GUESSES = "too_many_guesses"
    TOO_SOON = "too_soon"
    TOO_MANY_MESSAGES = "too_many_messages"
    LOCKED = "locked"


class Failure(StrEnum):
    """Why a message that was counted has not been sent."""

    NOT_TRIED = "not_tried"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # It may have been sent after all, as after a time-out.


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An outcome and the state after it.

    `wait` is the seconds until another message, 0 where waiting does not help; `expires_in` the seconds that the code
    still lives, once it is to be sent. `guesses_left` are those of the budget that a wrong guess came out of.
    """

    outcome: Outcome
    state: State
    wait: int = 0
    expires_in: int = 0
    guesses_left: int = 0


def on_request(
    state: State, *, now: float, limits: Limits, new_serial: int, owner: str = "", is_test: bool = False
) -> Decision:
    """Decide whether a message may be sent now, and with which code. A test number gets none, so it has no wait."""
    if state.wrong_guesses_since_success >= GUESSES_SINCE_SUCCESS:
        return Decision(outcome=Outcome.LOCKED, state=state)
    if is_test:
        state = _with_shared_guesses(state, now, limits, new_serial)
        return Decision(outcome=Outcome.SEND, state=state, expires_in=seconds_left(state, now=now, limits=limits))
    if wait := _seconds_until_message(state, now, limits):
        is_full = _seconds_until_room(state, now, limits) > 0
        return Decision(outcome=Outcome.TOO_MANY_MESSAGES if is_full else Outcome.TOO_SOON, state=state, wait=wait)

    state = _with_live_code(state, now, limits, new_serial)
    counting = (each for each in state.sent_at if abs(now - each.sent_at) < _counts_for(limits))
    sent_at = (*counting, Message(sent_at=now, owner=owner))
    # Old messages stop doubling the wait when they stop counting.
    sent_since_success = min(state.sent_since_success + 1, len(sent_at))
    sent = replace(
        state,
        sent_at=sent_at,
        sent_since_success=sent_since_success,
        refused_in_a_row=0,
        resend_at=now + _doubled(sent_since_success, limits),
    )
    wait = _seconds_until_message(sent, now, limits)
    return Decision(outcome=Outcome.SEND, state=sent, wait=wait, expires_in=seconds_left(sent, now=now, limits=limits))


def on_guess(state: State, *, now: float, limits: Limits, is_right: bool, own: Sequence[int] = ()) -> Decision:
    """Judge a guess by the client that was sent the messages at the places `own` of `sent_at`.

    Each of those has five guesses. A client that was sent none has the unbound guesses, which all such clients share.
    A right guess ends the code and every limit but those of a day.
    """
    if state.wrong_guesses_since_success >= GUESSES_SINCE_SUCCESS:
        return Decision(outcome=Outcome.LOCKED, state=state)
    if not _life_left(state, now, limits):
        return Decision(outcome=Outcome.NOT_LIVE, state=state)
    with_guesses = (place for place in own if state.sent_at[place].wrong_guesses < GUESSES_PER_MESSAGE)
    message = next(with_guesses, own[-1] if own else None)
    if _guesses_left(state, message, now) <= 0:
        wait = _seconds_until_message(state, now, limits)
        return Decision(outcome=Outcome.TOO_MANY_GUESSES, state=state, wait=wait)
    unbound = state.unbound_guesses_at
    if message is None:
        unbound = (*unbound, now)[-UNBOUND_GUESSES_PER_DAY:]
    if is_right:
        return Decision(outcome=Outcome.ACCEPTED, state=State(sent_at=state.sent_at, unbound_guesses_at=unbound))
    wrong = replace(
        state,
        sent_at=tuple(
            each._replace(wrong_guesses=each.wrong_guesses + (place == message))
            for place, each in enumerate(state.sent_at)
        ),
        wrong_guesses_since_success=state.wrong_guesses_since_success + 1,
        unbound_guesses_at=unbound,
        unbound_guesses_since_success=state.unbound_guesses_since_success + (message is None),
    )
    return Decision(outcome=Outcome.WRONG, state=wrong, guesses_left=_guesses_left(wrong, message, now))


def seconds_left(state: State, *, now: float, limits: Limits) -> int:
    """Return how long the code lives on, 0 where there is none."""
    return min(ceil(_life_left(state, now, limits)), limits.lifetime)


def on_failed_send(
    state: State, *, sent_at: float, before: State | None, failure: Failure, now: float, limits: Limits
) -> Decision:
    """Give back the cost of the message of `sent_at`. `before` is the state before it, where that is known.

    A message that may have been sent keeps its place in the day's limit, which bounds the bill, and its guesses, but
    the user need not wait. A message that was surely not sent is forgotten: its code is not live, and the code of the
    message before it is. While the gateway refuses, the wait doubles each time.
    """
    places = [place for place, each in enumerate(state.sent_at) if each.sent_at == sent_at]
    if not places:
        return Decision(outcome=Outcome.SEND, state=state)  # Cleared meanwhile, or it no longer counts.
    is_latest = places[-1] == len(state.sent_at) - 1
    given_back = state
    if is_latest:
        sent_since_success = max(state.sent_since_success - 1, 0)
        given_back = replace(state, sent_since_success=sent_since_success, resend_at=None)
    # A message that its user has guessed at counts, because its guesses do.
    if failure != Failure.UNKNOWN and not state.sent_at[places[-1]].wrong_guesses:
        rest = tuple(each for place, each in enumerate(state.sent_at) if place != places[-1])
        given_back = replace(given_back, sent_at=rest)
        if before and is_latest and state.serial not in {None, before.serial}:
            old = {"serial": before.serial, "code_expires_at": before.code_expires_at, "sent_at": before.sent_at}
            given_back = replace(given_back, **old)  # type: ignore[arg-type]
    if failure == Failure.REFUSED and is_latest:
        refused = (before or state).refused_in_a_row + 1
        given_back = replace(given_back, refused_in_a_row=refused, resend_at=now + _doubled(refused, limits))
    return Decision(outcome=Outcome.SEND, state=given_back, wait=_seconds_until_message(given_back, now, limits))


def _with_live_code(state: State, now: float, limits: Limits, new_serial: int) -> State:
    """Keep the code that has more than half its life left, or begin a new one.

    The same code again means that a late message still works, and that a stranger who asks for a code for my phone
    does not void mine. With a new code the messages before it lose their guesses.
    """
    if _life_left(state, now, limits) > limits.lifetime / 2:
        return state
    return replace(
        state,
        serial=new_serial,
        code_expires_at=now + limits.lifetime,
        sent_at=tuple(Message(each.sent_at, GUESSES_PER_MESSAGE) for each in state.sent_at),
    )


def _with_shared_guesses(state: State, now: float, limits: Limits, new_serial: int) -> State:
    """Keep the code of a test number while it has guesses. Its testers share those of one message."""
    has_guesses = state.sent_at and state.sent_at[-1].wrong_guesses < GUESSES_PER_MESSAGE
    live = _with_live_code(state if has_guesses else State(), now, limits, new_serial)
    if live == state:
        return state
    return replace(state, serial=live.serial, code_expires_at=live.code_expires_at, sent_at=(Message(sent_at=now),))


def _guesses_left(state: State, message: int | None, now: float) -> int:
    """Return how many more guesses will be judged: of a message, or of the clients that were sent none."""
    left = GUESSES_SINCE_SUCCESS - state.wrong_guesses_since_success
    if message is not None:
        return min(left, GUESSES_PER_MESSAGE - state.sent_at[message].wrong_guesses)
    # Of any 24 hours: a window that begins anew at midnight would let twice as many through around it.
    of_day = sum(abs(now - guessed_at) < DAY for guessed_at in state.unbound_guesses_at)
    of_lock = UNBOUND_GUESSES_SINCE_SUCCESS - state.unbound_guesses_since_success
    return min(left, UNBOUND_GUESSES_PER_DAY - of_day, of_lock)


def _life_left(state: State, now: float, limits: Limits) -> float:
    """Return the seconds that a code is still valid: never more than its lifetime, even if the row says so."""
    if state.serial is None or state.code_expires_at is None:
        return 0
    left = state.code_expires_at - now
    return left if 0 < left <= limits.lifetime + SKEW else 0


def _doubled(times: int, limits: Limits) -> int:
    """Return the wait after so many messages, which doubles with each up to its maximum."""
    first, most = limits.resend_wait
    wait: int = first * 2 ** (times - 1)
    return min(wait, most)


def _counts_for(limits: Limits) -> float:
    """Return how long a message counts: until its code has been dead for a day.

    So any 24 hours see the guesses of at most `messages_per_day` messages, also of those sent just before them.
    """
    return DAY + limits.lifetime


def _seconds_until_room(state: State, now: float, limits: Limits) -> int:
    """Return how long the day's messages are used up, 0 where there is room for one."""
    counting = [each.sent_at for each in state.sent_at if abs(now - each.sent_at) < _counts_for(limits)]
    if len(counting) < limits.messages_per_day:
        return 0
    return _seconds(counting[-limits.messages_per_day] + _counts_for(limits) - now, _counts_for(limits))


def _seconds_until_message(state: State, now: float, limits: Limits) -> int:
    """Return the seconds until a message may be sent, by the wait and by the day's limit."""
    until_resend = (state.resend_at or now) - now
    if until_resend > limits.resend_wait[1] + SKEW:
        until_resend = 0
    return max(_seconds(until_resend, limits.resend_wait[1]), _seconds_until_room(state, now, limits))


def _seconds(duration: float, longest: float) -> int:
    """Round up to whole seconds, so that a visitor who waits as long as told need not wait again."""
    return max(0, ceil(min(duration, longest)))
