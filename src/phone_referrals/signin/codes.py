"""The policy of sign-in codes: how a code is derived, and what a request or a guess does to its state.

Nothing here touches the database, the clock or the settings: state, time and limits come in, the outcome and the
new state go out. `verification.py` reads, calls this, and writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from phone_referrals.exceptions import InvalidCode
from phone_referrals.reading import bare

SALT = "phone_referrals.signin.codes"
DAY = timedelta(days=1)


class Purpose(StrEnum):
    """What a code proves a phone for; a code of one purpose is worth nothing for another."""

    SIGN_IN = "sign_in"
    CHANGE_PHONE = "change_phone"  # Sent to the new phone.
    CONFIRM_CHANGE = "confirm_change"  # Sent to the old one.
    DELETE_ACCOUNT = "delete_account"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The settings the policy depends on; durations in seconds."""

    lifetime: int
    guesses_per_code: int
    guesses_per_phone: int
    messages_per_day: int
    resend_wait: int
    resend_wait_max: int


@dataclass(frozen=True, kw_only=True)
class State:
    """What is known of one phone and purpose. A code is live while `serial` is set."""

    serial: int | None = None
    code_expires_at: datetime | None = None
    wrong_guesses: int = 0  # of this code
    wrong_guesses_since_success: int = 0
    sent_at: tuple[float, ...] = ()  # POSIX times of the messages that count for the day's limit
    sent_since_success: int = 0
    resend_at: datetime | None = None


class Outcome(StrEnum):
    """What became of a request or of a guess."""

    SEND = "send"
    ACCEPTED = "accepted"
    WRONG = "wrong"
    NOT_LIVE = "not_live"
    TOO_MANY_GUESSES = "too_many_guesses"
    TOO_SOON = "too_soon"
    TOO_MANY_MESSAGES = "too_many_messages"
    LOCKED = "locked"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An outcome and the state after it. `wait` is in seconds, 0 where waiting does not help."""

    outcome: Outcome
    state: State
    wait: int = 0


def derive(*, phone_number: str, purpose: str, serial: int, digits: int, secret: str | bytes) -> str:
    """Return the code of a phone, purpose and serial.

    HMAC-SHA256 under a key of its own made from `secret`, reduced to decimal digits. A copy of the database
    holds no code, because it holds no secret.
    """
    message = f"{purpose}|{phone_number}|{serial}"
    digest = salted_hmac(SALT, message, secret=secret, algorithm="sha256").digest()
    # 256 bits against 10 digits at most: the bias of the remainder is below 2^-220.
    return f"{int.from_bytes(digest) % 10**digits:0{digits}}"


def read(typed: str, *, digits: int) -> str:
    """Return what a person typed or pasted as a code, as `phone_referrals.reading` reads it; raises `InvalidCode`."""
    code = bare(typed)
    if not (code.isascii() and code.isdigit() and len(code) == digits):
        raise InvalidCode(_("Enter the {digits} digits of the code.").format(digits=digits))
    return code


def matches(code: str, candidates: Iterable[str]) -> bool:
    """Return whether `code` is one of `candidates`, in a time that does not depend on which or how far."""
    typed = str(code).encode(errors="replace")  # JSON may hold half a surrogate pair, which UTF-8 cannot.
    # A list, not a generator: all are compared, also after one has matched.
    return any([constant_time_compare(typed, candidate) for candidate in candidates])  # noqa: C419


def on_request(state: State, *, now: datetime, limits: Limits, new_serial: int, is_test: bool = False) -> Decision:
    """Decide whether a message may be sent now, and with which code. A test number is sent none: it has no wait."""
    if state.wrong_guesses_since_success >= limits.guesses_per_phone:
        return Decision(outcome=Outcome.LOCKED, state=state)
    if is_test:
        return Decision(outcome=Outcome.SEND, state=_with_live_code(state, now, limits, new_serial))
    if wait := _seconds_until_message(state, now, limits):
        is_full = _seconds_until_room(state, now, limits) > 0
        return Decision(outcome=Outcome.TOO_MANY_MESSAGES if is_full else Outcome.TOO_SOON, state=state, wait=wait)

    counted_since = (now - _counts_for(limits)).timestamp()
    sent_at = (*(sent for sent in state.sent_at if sent > counted_since), now.timestamp())
    # Old messages stop doubling the wait when they stop counting.
    sent_since_success = min(state.sent_since_success + 1, len(sent_at))
    resend_wait = min(limits.resend_wait * 2 ** (sent_since_success - 1), limits.resend_wait_max)
    sent = replace(
        state,
        sent_at=sent_at,
        sent_since_success=sent_since_success,
        resend_at=now + timedelta(seconds=resend_wait),
    )
    return Decision(
        outcome=Outcome.SEND,
        state=_with_live_code(sent, now, limits, new_serial),
        wait=_seconds_until_message(sent, now, limits),
    )


def on_guess(state: State, *, now: datetime, limits: Limits, is_right: bool) -> Decision:
    """Judge a guess. A right one ends the code and every limit but the day's messages."""
    if state.wrong_guesses_since_success >= limits.guesses_per_phone:
        return Decision(outcome=Outcome.LOCKED, state=state)
    if state.serial is None or state.code_expires_at is None or now >= state.code_expires_at:
        return Decision(outcome=Outcome.NOT_LIVE, state=state)
    if state.wrong_guesses >= limits.guesses_per_code:
        wait = _seconds_until_message(state, now, limits)
        return Decision(outcome=Outcome.TOO_MANY_GUESSES, state=state, wait=wait)
    if is_right:
        return Decision(outcome=Outcome.ACCEPTED, state=State(sent_at=state.sent_at))
    wrong = replace(
        state,
        wrong_guesses=state.wrong_guesses + 1,
        wrong_guesses_since_success=state.wrong_guesses_since_success + 1,
    )
    return Decision(outcome=Outcome.WRONG, state=wrong)


def guesses_left(state: State, *, limits: Limits) -> int:
    """Return how many more guesses will be judged on the live code."""
    return min(
        limits.guesses_per_code - state.wrong_guesses,
        limits.guesses_per_phone - state.wrong_guesses_since_success,
    )


def seconds_left(state: State, *, now: datetime) -> int:
    """Return how long the code lives on, 0 where there is none."""
    return _seconds(state.code_expires_at - now) if state.code_expires_at else 0


def on_failed_send(state: State, *, before: State, sent: State, maybe_sent: bool) -> State:
    """Give back what a failed message cost. `sent` is the state that `on_request` made of `before`.

    `maybe_sent` says that the gateway may have sent it after all, as after a time-out: the user need not wait, but the
    message keeps its place in the day's limit, which is what bounds the bill. A message that was refused has never
    been: a code that nobody was told is not live, or its guesses would be in addition to those of ten messages a day,
    and the code in the message before it is.
    """
    if not maybe_sent and state == sent:
        return before
    if sent.sent_at[-1] not in state.sent_at:
        return state
    # Refused, but guessed at or sent again meanwhile: it counts, because its guesses do.
    return replace(state, sent_since_success=max(state.sent_since_success - 1, 0), resend_at=None)


def _with_live_code(state: State, now: datetime, limits: Limits, new_serial: int) -> State:
    """Keep the code that has guesses and more than half its life left, or begin a new one.

    The same code again means that a late message still works, and that a stranger who asks for a code for my phone
    does not void mine.
    """
    if (
        state.serial is not None
        and state.code_expires_at is not None
        and state.code_expires_at - now > timedelta(seconds=limits.lifetime / 2)
        and state.wrong_guesses < limits.guesses_per_code
    ):
        return state
    expires_at = now + timedelta(seconds=limits.lifetime)
    return replace(state, serial=new_serial, code_expires_at=expires_at, wrong_guesses=0)


def _counts_for(limits: Limits) -> timedelta:
    """Return how long a message counts: until its code has been dead for a day.

    So any 24 hours see the guesses of at most `messages_per_day` codes, also of those sent just before them.
    """
    return DAY + timedelta(seconds=limits.lifetime)


def _seconds_until_room(state: State, now: datetime, limits: Limits) -> int:
    """Return how long the day's messages are used up, 0 where there is room for one."""
    if len(state.sent_at) < limits.messages_per_day:
        return 0
    oldest = datetime.fromtimestamp(state.sent_at[-limits.messages_per_day], tz=now.tzinfo)
    return _seconds(oldest + _counts_for(limits) - now)


def _seconds_until_message(state: State, now: datetime, limits: Limits) -> int:
    """Return how long no message may be sent, for whichever reason holds longer."""
    until_resend = _seconds(state.resend_at - now) if state.resend_at else 0
    return max(until_resend, _seconds_until_room(state, now, limits))


def _seconds(duration: timedelta) -> int:
    """Round up to whole seconds, so that who waits as long as told is not told to wait again."""
    return max(0, ceil(duration.total_seconds()))
