"""The task that sends a code that waits in the queue.

Before `due_at` is moved on, a run is arranged for at that time. Each run takes the message by moving it to when its own
time is over, and deletes the row when the gateway has the message. So a worker may be killed at any moment, and any
number of runs at once send one message. A message is sent twice only where a gateway has taken it and nobody lived to
write that down.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.views.decorators.debug import sensitive_variables

from phone_referrals.exceptions import Busy, CodeExpired, DeliveryFailed
from phone_referrals.models import QueuedCode
from phone_referrals.signin import codes, delivery, usage, verification

try:
    from django.tasks import task
except ImportError:  # Django 5.2
    from django_tasks import task  # type: ignore[no-redef]

logger = logging.getLogger("phone_referrals")

# How long a worker has a message. A gateway that takes longer may be asked to send it twice.
LEASE = timedelta(seconds=60)
# How far apart the clocks of the queue and of the workers may be.
SKEW = timedelta(seconds=5)
# The wait after each failure; after more, the last.
WAITS = [timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60)]


@task
def send_queued_code(pk: int) -> None:
    """Send a message that waits, unless it has been sent, or is being sent by another worker."""
    rows = QueuedCode.objects.using(router.db_for_write(QueuedCode)).filter(pk=pk)
    message = rows.select_related("verification").first()
    if message is None:
        return
    now = timezone.now()
    if message.due_at > now:
        # Another run comes then, unless this is it: by a clock ahead of ours, that of who asked or of the queue.
        if message.attempts == 0 or message.due_at - now < SKEW:
            delivery.call_worker(pk, run_after=message.due_at)
        return
    until = now + LEASE
    delivery.call_worker(pk, run_after=until)
    if rows.filter(due_at=message.due_at).update(due_at=until, attempts=message.attempts + 1, maybe_sent=True):
        _send(message, until)


@sensitive_variables()
def _send(message: QueuedCode, until: datetime) -> None:
    """Send a message that is ours `until` then. `message` is as it was before we took it."""
    row, now = message.verification, timezone.now()
    expires_at = row.code_expires_at
    if row.serial is None or expires_at is None:
        # The code has been used, or cleared by an admin: nobody waits for it.
        _drop(message, until, maybe_sent=message.maybe_sent)
        return
    if now >= expires_at:
        _give_up(message, until, CodeExpired, maybe_sent=message.maybe_sent)
        return
    code = verification.live_codes(row.phone_number, row.purpose, row.state)[0]
    with translation.override(message.language):
        failure = delivery.send(phone_number=row.phone_number, purpose=row.purpose, code=code, host=message.host)
    maybe_sent = message.maybe_sent or (failure is not None and not issubclass(failure, DeliveryFailed))
    again_at = timezone.now() + WAITS[min(message.attempts, len(WAITS) - 1)]
    if failure is None:
        message.delete()
    elif again_at >= expires_at:
        _give_up(message, until, failure, maybe_sent=maybe_sent)
    else:
        delivery.call_worker(message.pk, run_after=again_at)
        _ours(message, until).update(due_at=again_at, maybe_sent=maybe_sent)


def _give_up(message: QueuedCode, until: datetime, reason: type[Exception], *, maybe_sent: bool) -> None:
    """Give back the wait. The message keeps its place in the day's limit, for its code could be guessed at."""
    if _drop(message, until, maybe_sent=maybe_sent):
        sent = codes.State(sent_at=(message.queued_at.timestamp(),))
        row = message.verification
        with suppress(Busy):  # In a flood of requests for this phone, which does not wait for ours.
            verification.give_back(row.phone_number, row.purpose, before=codes.State(), sent=sent, maybe_sent=True)
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS given up: %s", reason.__qualname__)


def _drop(message: QueuedCode, until: datetime, *, maybe_sent: bool) -> bool:
    """Delete a message that is ours and was not sent, and give its place in the ceilings back."""
    deleted, _ = _ours(message, until).delete()
    if deleted:
        usage.Reservation(rows=message.counted_in).give_back(maybe_sent=maybe_sent)
    return bool(deleted)


def _ours(message: QueuedCode, until: datetime) -> QuerySet[QueuedCode]:
    return QueuedCode.objects.using(message._state.db).filter(pk=message.pk, due_at=until)
