"""Many workers at the same message, and workers that die with one. Below each rule: the naive twin, which breaks it."""

from collections import Counter
from datetime import timedelta

import pytest

from phone_referrals.models import QueuedCode
from phone_referrals.signin import tasks
from phone_referrals.signin.verification import request_code
from phone_referrals.sms import BaseSmsBackend, locmem
from tests.races import naive_sending

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 8
PHONES = [f"+120155501{number:02}" for number in range(10)]


class Killed(BaseException):
    """No `Exception`: nothing of ours runs after it, as after a SIGKILL."""


class FatalSmsBackend(BaseSmsBackend):
    """Every third message is the end of its worker, before the gateway has it."""

    calls = 0

    def send(self, message):
        type(self).calls += 1
        if self.calls % 3 == 0:
            raise Killed
        locmem.SmsBackend().send(message)


@pytest.fixture
def waiting(queue, time_machine):
    """The ids of messages that wait, one for each phone."""
    time_machine.move_to("2026-11-23 12:00:00+00:00")
    for phone in PHONES:
        request_code(phone_number=phone, host="example.com")
    return list(QueuedCode.objects.values_list("pk", flat=True))


def run_at_once(at_once, send, waiting):
    for pk in waiting:
        at_once(*[lambda pk=pk: send(pk)] * WORKERS)


def test_workers_at_the_same_message_send_it_once(at_once, waiting, outbox):
    run_at_once(at_once, tasks.send_queued_code.func, waiting)
    assert Counter(message.phone_number for message in outbox) == dict.fromkeys(PHONES, 1)


def test_workers_that_do_not_take_it_first_send_it_more_than_once(at_once, waiting, outbox):
    run_at_once(at_once, naive_sending.send_what_is_there, waiting)
    assert len(outbox) > len(PHONES)


def run_and_die(queue, send, waiting, time_machine):
    """Run the tasks by workers that die, and later whatever the queue still has."""
    queue.waiting.clear()
    for pk in waiting:
        try:
            send(pk)
        except Killed:
            continue
    for _ in range(5):
        time_machine.shift(tasks.LEASE + timedelta(seconds=1))
        try:
            queue.run()
        except Killed:
            continue


@pytest.fixture
def fatal_gateway(settings):
    FatalSmsBackend.calls = 0
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.FatalSmsBackend"


def test_workers_that_die_lose_no_message_and_send_none_twice(queue, waiting, outbox, fatal_gateway, time_machine):
    run_and_die(queue, tasks.send_queued_code.func, waiting, time_machine)
    assert FatalSmsBackend.calls > len(PHONES)
    assert Counter(message.phone_number for message in outbox) == dict.fromkeys(PHONES, 1)
    assert not QueuedCode.objects.exists()


def test_workers_that_take_it_for_good_lose_what_they_die_with(queue, waiting, outbox, fatal_gateway, time_machine):
    run_and_die(queue, naive_sending.delete_and_send, waiting, time_machine)
    assert len(outbox) < len(PHONES)
