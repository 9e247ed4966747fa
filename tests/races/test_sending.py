"""Many workers at the same message, and workers that die with one. Below each rule: the naive twin, which breaks it."""

import time
from collections import Counter

import pytest

from phone_referrals.exceptions import DeliveryFailed
from phone_referrals.models import PhoneVerification, QueuedCode, SmsUsage
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
    """Every third message is the end of its worker, before the gateway has it or after."""

    calls = 0

    def send(self, message):
        type(self).calls += 1
        if self.calls % 6 == 3:
            raise Killed
        locmem.SmsBackend().send(message)
        if self.calls % 6 == 0:
            raise Killed


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


def test_workers_that_do_not_claim_a_message_send_it_twice(at_once, waiting, outbox):
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
        time_machine.shift(tasks.LEASE + 1)
        due = list(queue.waiting)
        queue.waiting.clear()
        for run in due:
            try:
                send(*run.args)
            except Killed:
                continue


@pytest.fixture
def fatal_gateway(settings):
    FatalSmsBackend.calls = 0
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.FatalSmsBackend"


def sent_or_free(outbox):
    """Whether each phone was sent a message or may ask for another."""
    free = set(PhoneVerification.objects.filter(resend_at=None).values_list("phone_number", flat=True))
    return {message.phone_number for message in outbox} | free == set(PHONES)


def test_workers_that_die_send_nothing_twice(queue, waiting, outbox, fatal_gateway, time_machine):
    run_and_die(queue, tasks.send_queued_code.func, waiting, time_machine)
    assert FatalSmsBackend.calls == len(PHONES)
    assert Counter(message.phone_number for message in outbox).most_common(1)[0][1] == 1
    assert sent_or_free(outbox)
    assert not QueuedCode.objects.exists()
    assert SmsUsage.objects.get().sent == len(PHONES)


def test_workers_that_look_at_the_clock_alone_send_some_twice(queue, waiting, outbox, fatal_gateway, time_machine):
    run_and_die(queue, naive_sending.look_at_the_clock_alone, waiting, time_machine)
    assert FatalSmsBackend.calls > len(PHONES)
    assert Counter(message.phone_number for message in outbox).most_common(1)[0][1] > 1


def test_workers_that_take_it_for_good_keep_visitors_waiting(queue, waiting, outbox, fatal_gateway, time_machine):
    run_and_die(queue, naive_sending.delete_and_send, waiting, time_machine)
    assert not sent_or_free(outbox)


class SlowSmsBackend(BaseSmsBackend):
    """Takes longer than a worker has; half the messages it does not take in the end."""

    def send(self, message):
        time.sleep(0.5)
        if message.phone_number in PHONES[::2]:
            raise DeliveryFailed
        locmem.SmsBackend().send(message)


def test_a_lease_that_runs_out_at_once_with_the_answer(at_once, queue, waiting, outbox, settings, monkeypatch):
    """However the worker and the run that comes after it meet: one message at most, nobody waits, nothing is left."""
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.SlowSmsBackend"
    monkeypatch.setattr(tasks, "LEASE", 0.5)
    monkeypatch.setattr(tasks, "WAITS", [300])
    queue.waiting.clear()

    def later(pk):
        time.sleep(0.52)
        tasks.send_queued_code.func(pk)

    at_once(*[lambda pk=pk, run=run: run(pk) for pk in waiting for run in (tasks.send_queued_code.func, later)])
    assert max(Counter(message.phone_number for message in outbox).values()) == 1
    # Those that were refused in time wait for the next attempt.
    kept = QueuedCode.objects.filter(is_taken=False).values_list("verification__phone_number", flat=True)
    assert QueuedCode.objects.count() == len(kept)
    free = PhoneVerification.objects.filter(resend_at=None).values_list("phone_number", flat=True)
    assert {*kept, *free, *(message.phone_number for message in outbox)} == set(PHONES)
    assert SmsUsage.objects.get().sent == len(PHONES)
