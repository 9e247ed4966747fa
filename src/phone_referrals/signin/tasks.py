"""The task that sends a code that waits in the queue.

Each run marks the row as taken before it asks the gateway, and deletes it when the gateway has the message. If a row is
still taken when its lease is over, its worker died or is slow, and the message may have been sent. It is not sent
again: the visitor's wait is given back, and the cost stays counted. Only after `DeliveryFailed` the gateway is asked
again. So a worker may be killed at any moment, any number of runs at once send one message, and no more messages are
sent than the ceilings have counted.
"""

import logging
import time
from contextlib import suppress

from django.db import router
from django.db.models import QuerySet
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from phone_referrals.exceptions import Busy, CodeExpired, DeliveryFailed
from phone_referrals.signin import codes, delivery, usage, verification
from phone_referrals.signin.models import QueuedCode
from phone_referrals.signin.policy import Failure

try:
    from django.tasks import task
except ImportError:  # Django 5.2
    from django_tasks import task  # type: ignore[no-redef]

logger = logging.getLogger("phone_referrals")

# All in seconds. How long a worker has a message.
LEASE = 60
# How far apart the clocks of the queue and of the workers may be.
SKEW = 5
# The wait after each refusal; after more, the last.
WAITS = (5, 10, 20, 40, 60)


class WorkerLost(Exception):
    """A worker took a message and did not report in time."""


@task
def send_queued_code(pk: int) -> None:
    """Send a message that waits, unless it has been sent, may have been, or another worker is sending it."""
    rows = QueuedCode.objects.using(router.db_for_write(QueuedCode)).filter(pk=pk)
    message = rows.select_related("verification").first()
    if message is None:
        return
    now = time.time()
    if message.due_at > now:
        # Another run comes then, unless this is it, and the clock of the request or of the queue is ahead of ours.
        if message.attempts == 0 or message.due_at - now < SKEW:
            delivery.call_worker(pk, at=message.due_at)
        return
    delivery.call_worker(pk, at=now + LEASE)
    as_it_was = rows.filter(attempts=message.attempts, is_taken=message.is_taken)
    if as_it_was.update(attempts=message.attempts + 1, is_taken=True, due_at=now + LEASE):
        message.attempts += 1
        if message.is_taken:
            _give_up(message, WorkerLost, maybe_sent=True)
        else:
            _send(message)


@sensitive_variables()
def _send(message: QueuedCode) -> None:
    """Send a message that is ours."""
    row = message.verification
    if row.serial is None or row.code_expires_at is None:
        # The code has been used, or an admin has cleared it.
        _drop(message, maybe_sent=False)
        return
    if time.time() >= row.code_expires_at:
        _give_up(message, CodeExpired, maybe_sent=False)
        return
    code = codes.derive(phone_number=row.phone_number, purpose=row.purpose, serial=row.serial)[0]
    with translation.override(message.language):
        text, failure = delivery.render(
            phone_number=row.phone_number, purpose=row.purpose, code=code, host=message.host
        )
    if text:
        failure = delivery.send(text, purpose=row.purpose)
    again_at = time.time() + WAITS[min(message.attempts, len(WAITS)) - 1]
    if failure is None:
        _ours(message).delete()
    elif not issubclass(failure, DeliveryFailed):
        _give_up(message, failure, maybe_sent=True)
    elif again_at >= row.code_expires_at:
        _give_up(message, failure, maybe_sent=False)
    else:
        # It was surely not sent, so the next attempt has its place in the ceilings.
        delivery.call_worker(message.pk, at=again_at)
        _ours(message).update(is_taken=False, due_at=again_at)


def _give_up(message: QueuedCode, reason: type[Exception], *, maybe_sent: bool) -> None:
    """Give back the wait. The message keeps its place in the day's limit, for its code could be guessed at.

    It deletes the row last: if this worker is killed before, the next run gives up instead.
    """
    row, sent_at = message.verification, message.queued_at
    with suppress(Busy):  # A flood of requests for this phone.
        verification.give_back(row.phone_number, row.purpose, sent_at=sent_at, before=None, failure=Failure.UNKNOWN)
    if _drop(message, maybe_sent=maybe_sent):
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS given up: %s", reason.__qualname__)


def _drop(message: QueuedCode, *, maybe_sent: bool) -> bool:
    """Delete a message that is ours, and give back its place in the ceilings unless it may have been sent."""
    deleted, _ = _ours(message).delete()
    if deleted:
        usage.Reservation(**message.counted_in).give_back(maybe_sent=maybe_sent)
    return bool(deleted)


def _ours(message: QueuedCode) -> QuerySet[QueuedCode]:
    """Return the row while it is as we took it."""
    rows = QueuedCode.objects.using(message._state.db)
    return rows.filter(pk=message.pk, attempts=message.attempts, is_taken=True)
