"""How a code gets to its phone: by the gateway at once, or by a row that a worker takes from the queue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import router
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from phone_referrals import signals, sms
from phone_referrals.conf import conf
from phone_referrals.models import PhoneVerification, QueuedCode

TASK = "phone_referrals.signin.tasks.send_queued_code"


@sensitive_variables()
def send(*, phone_number: str, purpose: str, code: str, host: str) -> type[Exception] | None:
    """Send the message; return the class of what went wrong. Raised, the error would be in the log of the next one."""
    try:
        sms.send(sms.render(phone_number=phone_number, purpose=purpose, code=code, host=host))
    except Exception as error:  # noqa: BLE001 - whatever a gateway raises, the visitor's wait is given back
        return type(error)
    signals.code_sent.send_robust(PhoneVerification, phone_number=phone_number, purpose=purpose)
    return None


@sensitive_variables()
def queue(
    *, phone_number: str, purpose: str, host: str, counted_in: Sequence[Any], now: datetime
) -> type[Exception] | None:
    """Leave the message to a worker; return the class of what went wrong, and then nothing will be sent."""
    alias = router.db_for_write(QueuedCode)
    rows = PhoneVerification.objects.using(alias).filter(phone_number=phone_number, purpose=purpose)
    message = QueuedCode(
        host=host,
        language=get_language() or settings.LANGUAGE_CODE,
        counted_in=counted_in,
        queued_at=now,
        due_at=now,
    )
    try:
        message.verification_id = rows.values_list("pk", flat=True).get()
        message.save(using=alias, force_insert=True)
        call_worker(message.pk)
    except Exception as error:  # noqa: BLE001 - whatever a queue raises
        # It may be in the queue all the same. The worker then finds no row.
        QueuedCode.objects.using(alias).filter(pk=message.pk).delete()
        return type(error)
    return None


def call_worker(pk: int, *, run_after: datetime | None = None) -> None:
    """Put the task in the queue. It carries the row's id and nothing else."""
    task().using(run_after=run_after).enqueue(pk)


def task() -> Any:
    """Return the task in its queue. By its path: it begins where a view does, above all that is called from here."""
    return import_string(TASK).using(queue_name=conf.sms_queue or "default")
