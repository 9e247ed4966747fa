"""Sending codes and judging guesses: read the row, let `codes.py` decide, write if nobody has written meanwhile.

The write is `UPDATE … WHERE id = … AND version = …`, and an outcome counts only if it changed the row. So parallel
requests are judged one after the other on every database, with no lock and no transaction.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections, router
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from phone_referrals import phones, signals, sms, statements
from phone_referrals.accounts import get_accounts
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    Busy,
    CodeExpired,
    DeliveryFailed,
    InvalidCode,
    PhoneLocked,
    PhoneNotAllowed,
    ResendTooSoon,
    SignInError,
    SmsLimitReached,
    TooManyGuesses,
    TooManyMessages,
)
from phone_referrals.models import PhoneVerification
from phone_referrals.signin import codes, delivery, usage
from phone_referrals.signin.codes import Decision, Limits, Outcome, Purpose, State
from phone_referrals.signin.guards import SendRequest
from phone_referrals.signin.test_numbers import fixed_code

logger = logging.getLogger("phone_referrals")

# One row changes at most `guesses_per_code` times between two messages, so a request that loses more often than
# this is one of a flood.
TRIES = 20

REFUSALS: dict[Outcome, type[SignInError]] = {
    Outcome.NOT_LIVE: CodeExpired,
    Outcome.TOO_MANY_GUESSES: TooManyGuesses,
    Outcome.TOO_SOON: ResendTooSoon,
    Outcome.TOO_MANY_MESSAGES: TooManyMessages,
    Outcome.LOCKED: PhoneLocked,
}


@dataclass(frozen=True, kw_only=True)
class CodeSent:
    """What a visitor is told after a code was sent; durations in seconds. `code` is empty unless it is echoed."""

    phone_number: str = field(repr=False)
    expires_in: int
    resend_in: int
    code: str = field(default="", repr=False)


@sensitive_variables()
def request_code(
    *, phone_number: str, host: str, purpose: str = Purpose.SIGN_IN, address: str = "", data: Mapping[str, Any] = {}
) -> CodeSent:
    """Send a code to an E.164 number; `host` is the domain the message names. Guards are told `address` and `data`.

    Raises `PhoneNotAllowed`, `PhoneLocked`, `ResendTooSoon`, `TooManyMessages`, `SmsLimitReached`, `DeliveryFailed`,
    `Busy` or what a guard raises, and `TransactionManagementError` inside a transaction.
    """
    is_test = fixed_code(phone_number) is not None
    if not is_test:
        require_allowed(phone_number)
        request = SendRequest(phone_number=phone_number, purpose=purpose, address=address, data=data)
        for path in conf.send_guards:
            import_string(path)(request)
    now, limits = timezone.now(), _limits()
    # 64 random bits, as the signed integer that databases have.
    serial = int.from_bytes(secrets.token_bytes(8), signed=True)

    def consider(state: State) -> Decision:
        return codes.on_request(state, now=now, limits=limits, new_serial=serial, is_test=is_test)

    decision, row = _decide(phone_number, purpose, consider)
    code = live_codes(phone_number, purpose, decision.state)[0]
    if not is_test:
        before = row.state if row else State()
        _deliver(phone_number, purpose, code, host=host, now=now, before=before, sent=decision.state)
    return CodeSent(
        phone_number=phone_number,
        expires_in=codes.seconds_left(decision.state, now=now),
        resend_in=decision.wait,
        code=code if conf.echo_code else "",
    )


@sensitive_variables()
def check_code(*, phone_number: str, code: str, purpose: str = Purpose.SIGN_IN) -> bool | None:
    """Return if `code` is the live code of an E.164 number, which it then ends; raise otherwise.

    What it returns is a hint, read on the way: whether the number had a user, or `None` where that is not known.
    Raises `InvalidCode` (with `guesses_left`), `CodeExpired`, `TooManyGuesses`, `PhoneLocked` or `Busy`, and
    `TransactionManagementError` inside a transaction, because a wrong guess must stay counted when the request fails.
    """
    limits = _limits()

    def judge(state: State) -> Decision:
        is_right = codes.matches(code, live_codes(phone_number, purpose, state))
        return codes.on_guess(state, now=timezone.now(), limits=limits, is_right=is_right)

    decision, row = _decide(phone_number, purpose, judge, with_is_known=True)
    if decision.outcome == Outcome.WRONG:
        raise InvalidCode(guesses_left=codes.guesses_left(decision.state, limits=limits))
    if fixed_code(phone_number) is None:
        usage.record_verified(phone_number)
    signals.phone_verified.send_robust(PhoneVerification, phone_number=phone_number, purpose=purpose)
    known = getattr(row, "is_known", None)
    return None if known is None else bool(known)


@sensitive_variables()
def _deliver(
    phone_number: str, purpose: str, code: str, *, host: str, now: datetime, before: State, sent: State
) -> None:
    """Send the message, or leave it to a worker; where neither works, give back what it has cost."""
    message, failure = delivery.render(phone_number=phone_number, purpose=purpose, code=code, host=host)
    maybe_sent = False
    if message:
        try:
            reservation = usage.reserve(phone_number, segments=sms.segments(message.text))
        except SmsLimitReached:
            give_back(phone_number, purpose, before=before, sent=sent, maybe_sent=False)
            raise
        if conf.sms_queue:
            failure = delivery.queue(
                message, purpose=purpose, host=host, reservation=reservation, queued_at=now.timestamp()
            )
        elif failure := delivery.send(message, purpose=purpose):
            maybe_sent = not issubclass(failure, DeliveryFailed)
        if failure:
            reservation.give_back(maybe_sent=maybe_sent)
    if failure:
        give_back(phone_number, purpose, before=before, sent=sent, maybe_sent=maybe_sent)
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS not delivered: %s", failure.__qualname__)
        raise DeliveryFailed


def _decide(
    phone_number: str, purpose: str, policy: Callable[[State], Decision], *, with_is_known: bool = False
) -> tuple[Decision, PhoneVerification | None]:
    """Apply `policy` to the row, once; raise its refusal, which changes nothing and so needs no write.

    Returns the row as it was before.
    """
    alias = router.db_for_write(PhoneVerification)
    _require_autocommit(alias)
    rows = PhoneVerification.objects.using(alias)
    # A site may keep its users in another database, which no statement of this one sees.
    joined = with_is_known and router.db_for_write(get_user_model()) == alias
    stored_as = getattr(settings, "PHONENUMBER_DB_FORMAT", "")
    known = (type(get_accounts()).known, conf.accounts, conf.phone_field, stored_as) if joined else (None,)
    select, parameters = _select(alias, *known), {"$phone_number": phone_number, "$purpose": purpose}
    for _ in range(TRIES):
        row = select.one(parameters)
        decision = policy(row.state if row else State())
        if decision.outcome in REFUSALS:
            raise REFUSALS[decision.outcome](retry_after=decision.wait)
        if row and rows.compare_and_set(row, decision.state):
            return decision, row
        if not row:
            new_row = PhoneVerification(phone_number=phone_number, purpose=purpose, **vars(decision.state))
            if statements.insert(new_row, using=alias):
                return decision, None
            # Another request made the row: judge by what it says now.
    raise Busy(retry_after=1)


@lru_cache
def _select(alias: str, known: Callable[..., Any] | None, *_settings: str) -> statements.Select:
    """Return the SELECT of a row.

    With the method that says whether a phone is `known`, and the settings it depends on, the row is joined with that.
    """
    condition = get_accounts().known("phone_number") if known else None
    rows = PhoneVerification.objects.filter(phone_number="$phone_number", purpose="$purpose")
    return statements.Select(rows.annotate(is_known=condition) if condition else rows, using=alias)


def give_back(phone_number: str, purpose: str, *, before: State, sent: State, maybe_sent: bool) -> None:
    """Give back what a message that failed has cost its phone; see `codes.on_failed_send`."""

    def policy(state: State) -> Decision:
        given_back = codes.on_failed_send(state, before=before, sent=sent, maybe_sent=maybe_sent)
        return Decision(outcome=Outcome.SEND, state=given_back)

    _decide(phone_number, purpose, policy)


def live_codes(phone_number: str, purpose: str, state: State) -> list[str]:
    """Return the live code under the site's secret, then under each of its fallbacks."""
    if state.serial is None:
        return []
    fixed = fixed_code(phone_number)
    if fixed is not None:
        return [fixed]
    return [
        codes.derive(
            phone_number=phone_number, purpose=purpose, serial=state.serial, digits=conf.code_digits, secret=secret
        )
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _limits() -> Limits:
    return Limits(
        lifetime=conf.code_lifetime,
        guesses_per_code=conf.guesses_per_code,
        guesses_per_phone=conf.guesses_per_phone,
        messages_per_day=conf.messages_per_day,
        resend_wait=conf.resend_wait,
        resend_wait_max=conf.resend_wait_max,
    )


def require_allowed(phone_number: str) -> None:
    """Raise `PhoneNotAllowed` for a number of a region or type that is sent no messages."""
    regions = conf.allowed_regions
    if regions != "*" and phones.region_of(phone_number) not in regions:
        raise PhoneNotAllowed
    if phones.type_of(phone_number) not in conf.number_types:
        raise PhoneNotAllowed


def _require_autocommit(alias: str) -> None:
    connection = connections[alias]
    if connection.in_atomic_block:
        # A test case's own transaction is let through, as `atomic(durable=True)` does.
        refused = not connection.atomic_blocks[-1]._from_testcase  # type: ignore[attr-defined]
    else:
        refused = not connection.get_autocommit()
    if refused:
        msg = (
            "Codes are not sent or checked inside a transaction: a rollback would forget guesses. "
            "Call this outside atomic(), and exempt the view with transaction.non_atomic_requests."
        )
        raise TransactionManagementError(msg)
