"""Sending codes and judging guesses: read the row, let `policy.py` decide, write unless the row has changed meanwhile.

The write is `UPDATE … WHERE id = … AND version = …`, and an outcome counts only if it changed the row. So every
database judges parallel requests one after the other, with no lock and no transaction.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import time
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, router
from django.db.transaction import TransactionManagementError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from phone_referrals import signals, sms
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    Busy,
    CodeExpired,
    DeliveryFailed,
    InvalidCode,
    PhoneLocked,
    ResendTooSoon,
    SignInError,
    SmsLimitReached,
    TooManyGuesses,
    TooManyMessages,
)
from phone_referrals.signin import codes, delivery, policy, usage
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.guards import SendRequest, require_allowed
from phone_referrals.signin.models import PhoneVerification, State
from phone_referrals.signin.policy import Decision, Failure, Limits, Outcome

logger = logging.getLogger("phone_referrals")

# Between two messages a row changes at most 15 times: five guesses of a message and ten unbound ones. A request that
# loses more often is part of a flood.
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
    """The answer to a visitor after a code was sent; durations in seconds. `code` is empty unless it is echoed.

    `request_id` is the handle of the message, which gives its client five guesses of its own. It is empty where the
    message was sent for a signed-in user, who needs none.
    """

    phone_number: str = field(repr=False)
    expires_in: int
    resend_in: int
    request_id: str = field(default="", repr=False)
    code: str = field(default="", repr=False)


@sensitive_variables()
def request_code(
    *,
    phone_number: str,
    host: str,
    purpose: str = Purpose.SIGN_IN,
    user: AbstractBaseUser | None = None,
    address: str = "",
    data: Mapping[str, Any] = {},
) -> CodeSent:
    """Send a code to an E.164 number; `host` is the domain the message names. Guards are told `address` and `data`.

    Its guesses belong to the signed-in `user`, or else to the client that has the `request_id` in the answer.
    Raises `PhoneNotAllowed`, `PhoneLocked`, `ResendTooSoon`, `TooManyMessages`, `SmsLimitReached`, `DeliveryFailed`,
    `Busy` or the refusal of a guard, and `TransactionManagementError` inside a transaction.
    """
    is_test = codes.fixed_code(phone_number) is not None
    if not is_test:
        require_allowed(phone_number)
        request = SendRequest(phone_number=phone_number, purpose=purpose, address=address, data=data)
        for path in conf.send_guards:
            import_string(path)(request)
    # 64 random bits, as the signed integer that databases have.
    serial = int.from_bytes(secrets.token_bytes(8), signed=True)
    owner = "" if user is None else codes.owners(phone_number, purpose, user)[0]
    consider = partial(policy.on_request, new_serial=serial, owner=owner, is_test=is_test)
    decision, row = _decide(phone_number, purpose, consider)
    message = decision.state.sent_at[-1]
    live: dict[str, Any] = {"phone_number": phone_number, "purpose": purpose, "serial": decision.state.serial or 0}
    code = codes.derive(**live)[0]
    if not is_test:
        _deliver(row, code, host=host, sent_at=message.sent_at)
    return CodeSent(
        phone_number=phone_number,
        expires_in=decision.expires_in,
        resend_in=decision.wait,
        request_id="" if owner else codes.handles([message.sent_at], **live)[0][0],
        code=code if conf.echo_code else "",
    )


@sensitive_variables()
def check_code(
    *,
    phone_number: str,
    code: str,
    purpose: str = Purpose.SIGN_IN,
    request_id: str = "",
    user: AbstractBaseUser | None = None,
) -> None:
    """Accept the live code of an E.164 number, once; raise for any other.

    The guess counts for the message with the handle `request_id`, or for the one that was sent for `user`. Without
    either it is one of those that all such clients share.
    Raises `InvalidCode` (with `guesses_left`), `CodeExpired`, `TooManyGuesses`, `PhoneLocked` or `Busy`, and
    `TransactionManagementError` inside a transaction, because a wrong guess must stay counted when the request fails.
    """
    is_test = codes.fixed_code(phone_number) is not None

    def judge(state: State, *, now: float, limits: Limits) -> Decision:
        # For a phone without a code, too: how long an answer takes must not tell whether a phone is known.
        candidates = codes.derive(phone_number=phone_number, purpose=purpose, serial=state.serial or 0)
        is_right = codes.matches(code, candidates)
        own = codes.own_messages(phone_number, purpose, state, request_id=request_id, user=user)
        if is_test:
            own = range(len(state.sent_at))
        return policy.on_guess(state, now=now, limits=limits, is_right=is_right, own=own)

    decision, _row = _decide(phone_number, purpose, judge)
    if decision.outcome == Outcome.WRONG:
        raise InvalidCode(guesses_left=decision.guesses_left)
    if not is_test:
        usage.record_verified(phone_number)
    signals.phone_verified.send_robust(PhoneVerification, phone_number=phone_number, purpose=purpose)


@sensitive_variables()
def _deliver(row: PhoneVerification, code: str, *, host: str, sent_at: float) -> None:
    """Send the message, or leave it to a worker. If both fail, give back its cost.

    `row` is as it was before the message.
    """
    phone_number, purpose = row.phone_number, row.purpose
    refund = partial(give_back, phone_number, purpose, sent_at=sent_at, before=row.state)
    message, failure = delivery.render(phone_number=phone_number, purpose=purpose, code=code, host=host)
    reason = Failure.NOT_TRIED
    if message:
        try:
            reservation = usage.reserve(phone_number, segments=sms.segments(message.text))
        except SmsLimitReached:
            refund(failure=reason)
            raise
        if conf.sms_queue:
            failure = delivery.queue(row.pk, host=host, reservation=reservation, queued_at=sent_at)
        elif failure := delivery.send(message, purpose=purpose):
            reason = Failure.REFUSED if issubclass(failure, DeliveryFailed) else Failure.UNKNOWN
        if failure:
            reservation.give_back(maybe_sent=reason == Failure.UNKNOWN)
    if failure:
        wait = refund(failure=reason)
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS not delivered: %s", failure.__qualname__)
        raise DeliveryFailed(_("The message could not be sent.") if wait else None, retry_after=wait or None)


def give_back(phone_number: str, purpose: str, *, sent_at: float, before: State | None, failure: Failure) -> int:
    """Give back the cost of a failed message to its phone; return the seconds until another may be asked for.

    See `policy.on_failed_send`.
    """
    give = partial(policy.on_failed_send, sent_at=sent_at, before=before, failure=failure)
    return _decide(phone_number, purpose, give)[0].wait


def _decide(phone_number: str, purpose: str, decide: Callable[..., Decision]) -> tuple[Decision, PhoneVerification]:
    """Apply `decide(state, now=…, limits=…)` to the row, once; raise its refusal, which changes nothing.

    Returns the row as it was before: an empty one, for a phone that has none.
    """
    rows = PhoneVerification.objects.using(router.db_for_write(PhoneVerification))
    _require_autocommit(rows.db)
    limits = Limits(lifetime=conf.code_lifetime, messages_per_day=conf.messages_per_day, resend_wait=conf.resend_wait)
    for _try in range(TRIES):
        row = rows.read(phone_number, purpose)
        decision = decide(row.state, now=time(), limits=limits)
        if decision.outcome in REFUSALS:
            raise REFUSALS[decision.outcome](retry_after=decision.wait)
        if rows.write(row, decision.state):
            return decision, row
    raise Busy(retry_after=1)


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
