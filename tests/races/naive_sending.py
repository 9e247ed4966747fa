"""How one would send what waits in a queue without thinking of other workers, or of being killed."""

import time

from phone_referrals import sms
from phone_referrals.models import QueuedCode
from phone_referrals.signin import codes, delivery, tasks


def send_what_is_there(pk):
    """As `signin.tasks.send_queued_code`, without taking the message first."""
    message = QueuedCode.objects.select_related("verification").filter(pk=pk).first()
    if message:
        send(message)
        message.delete()


def delete_and_send(pk):
    """Takes the message for good, so that nobody comes back for it."""
    message = QueuedCode.objects.select_related("verification").filter(pk=pk).first()
    if message and QueuedCode.objects.filter(pk=pk).delete()[0]:
        send(message)


def look_at_the_clock_alone(pk):
    """Takes the message until its time is over, and does not ask what became of it when it was taken before."""
    message = QueuedCode.objects.select_related("verification").filter(pk=pk).first()
    if message and message.due_at <= time.time():
        until = time.time() + tasks.LEASE
        delivery.call_worker(pk, at=until)
        if QueuedCode.objects.filter(pk=pk, due_at=message.due_at).update(due_at=until):
            send(message)
            message.delete()


def send(message):
    time.sleep(0.05)  # A gateway is not quick.
    row = message.verification
    code = codes.derive(phone_number=row.phone_number, purpose=row.purpose, serial=row.serial)[0]
    text = sms.render(phone_number=row.phone_number, purpose=row.purpose, code=code, host=message.host)
    delivery.send(text, purpose=row.purpose)
