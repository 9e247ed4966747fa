"""Sends messages: by the gateway at once, or by a row that a worker takes from the queue."""

import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import router
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from phone_referrals import phones, signals, sms
from phone_referrals.conf import conf
from phone_referrals.exceptions import PhoneNotAllowed
from phone_referrals.signin.codes import fixed_code
from phone_referrals.signin.guards import require_allowed
from phone_referrals.signin.models import PhoneVerification, QueuedCode
from phone_referrals.signin.usage import Reservation

logger = logging.getLogger("phone_referrals")

TASK = "phone_referrals.signin.tasks.send_queued_code"


@sensitive_variables()
def render(
    *, phone_number: str, purpose: str, code: str, host: str
) -> tuple[sms.SmsMessage, None] | tuple[None, type[Exception]]:
    """Return the message, or the class of the error in the site's template."""
    try:
        return sms.render(phone_number=phone_number, purpose=purpose, code=code, host=host), None
    except Exception as error:  # noqa: BLE001 - a template may raise any: the visitor's wait is given back
        return None, type(error)


@sensitive_variables()
def send(message: sms.SmsMessage, *, purpose: str) -> type[Exception] | None:
    """Send the message; return the class of an error. Raised, it would be in the log as the context of the next one."""
    try:
        sms.send(message)
    except Exception as error:  # noqa: BLE001 - a gateway may raise any: the visitor's wait is given back
        return type(error)
    signals.code_sent.send_robust(PhoneVerification, phone_number=message.phone_number, purpose=purpose)
    return None


@sensitive_variables()
def queue(verification_id: int, *, host: str, reservation: Reservation, queued_at: float) -> type[Exception] | None:
    """Leave the message to a worker; return the class of an error, after which nothing is sent."""
    alias = router.db_for_write(QueuedCode)
    queued = QueuedCode(
        verification_id=verification_id,
        host=host,
        language=get_language() or settings.LANGUAGE_CODE,
        counted_in=asdict(reservation),
        queued_at=queued_at,
        due_at=queued_at,
    )
    try:
        queued.save(using=alias, force_insert=True)
        call_worker(queued.pk)
    except Exception as error:  # noqa: BLE001 - a queue may raise any
        # It may be in the queue all the same. The worker then finds no row.
        QueuedCode.objects.using(alias).filter(pk=queued.pk).delete()
        return type(error)
    return None


def call_worker(pk: int, *, at: float | None = None) -> None:
    """Put the task in the queue, to run now or at a POSIX time. It carries the row's id and nothing else."""
    run_after = None if at is None else _as_the_queue_has_it(at)
    task().using(run_after=run_after).enqueue(pk)


def _as_the_queue_has_it(at: float) -> datetime:
    """Return a time as Django Tasks takes it: a naive local time without `USE_TZ`.

    That clock is set forward and back. The later of two readings is never too early: a run that is too early is none.
    """
    moment = datetime.fromtimestamp(at, UTC)
    if settings.USE_TZ:
        return moment
    by_the_clock = timezone.make_naive(moment, timezone.get_default_timezone())
    return max(by_the_clock, timezone.now() + timedelta(seconds=at - time.time()))


def task() -> Any:
    """Return the task in its queue. By its path: it begins where a view does, above all that is called from here."""
    return import_string(TASK).using(queue_name=conf.sms_queue or "default")


def tell_of_change(*, old_phone_number: str, new_phone_number: str, host: str) -> None:
    """Tell a phone that it no longer is the user's. Errors are logged: the change has been made.

    It counts for no limit. The new phone was sent a code, which did count, and entered it.
    """
    if not old_phone_number or fixed_code(old_phone_number) is not None:
        return
    try:
        require_allowed(old_phone_number)
        text = sms.render_notice("phone_changed", host=host, phone_number=phones.mask(new_phone_number))
        sms.send(sms.SmsMessage(phone_number=old_phone_number, text=text))
    except PhoneNotAllowed:
        return
    except Exception as error:  # noqa: BLE001 - a gateway may raise any
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS not delivered: %s", type(error).__qualname__)  # noqa: TRY400
