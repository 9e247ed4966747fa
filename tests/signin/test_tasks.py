"""The queue: a message is sent once at most, by whichever worker, however often gateways fail and workers die."""

import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from phone_referrals import signals
from phone_referrals.exceptions import Busy, DeliveryFailed
from phone_referrals.models import PhoneVerification, QueuedCode, SmsUsage
from phone_referrals.signin import delivery, verification
from phone_referrals.signin.tasks import LEASE, SKEW, send_queued_code
from phone_referrals.signin.verification import check_code, request_code
from phone_referrals.sms import BaseSmsBackend

# Its times are right on a site without time zones, too.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zone_of_the_site")]

FAILURES = []


class FailingSmsBackend(BaseSmsBackend):
    """Raises what FAILURES has, one after the other, with words that quote what no log may show."""

    def send(self, message):
        raise FAILURES.pop(0)(f"{message.phone_number} {message.text}")


class Killed(BaseException):
    """No `Exception`: nothing of ours runs after it, as after a SIGKILL."""


@pytest.fixture(autouse=True)
def clock(time_machine):
    """The time, which stands still; `clock(seconds=5)` moves it on."""
    time_machine.move_to("2026-11-23 12:00:00+00:00", tick=False)
    return lambda **duration: time_machine.shift(timedelta(**duration))


@pytest.fixture
def gateway(settings):
    """A gateway that fails as it is told, and then works."""

    def gateway(*failures):
        FAILURES[:] = failures
        name = f"{__name__}.FailingSmsBackend" if failures else "phone_referrals.sms.locmem.SmsBackend"
        settings.PHONE_REFERRALS_SMS_BACKEND = name

    return gateway


def ask(phone):
    return request_code(phone_number=phone, host="example.com")


def usage():
    return SmsUsage.objects.values_list("sent", "failed").get()


def due(queue):
    """In how many seconds the runs that wait are due."""
    return [round(each.task.run_after.timestamp() - time.time()) for each in queue.waiting]


def may_ask_again():
    return PhoneVerification.objects.get().resend_at is None


def test_the_request_waits_for_no_gateway(phone, outbox, queue):
    assert ask(phone).resend_in == 30
    assert outbox == []
    assert QueuedCode.objects.count() == len(queue.waiting) == 1


def test_the_worker_sends_the_code(phone, outbox, queue, last_code):
    ask(phone)
    queue.run()
    assert len(outbox) == 1
    check_code(phone_number=phone, code=last_code(phone))
    assert not QueuedCode.objects.exists()
    assert usage() == (1, 0)


def test_the_task_carries_the_id_of_the_row_and_nothing_else(phone, queue):
    ask(phone)
    [waiting] = queue.waiting
    assert (waiting.args, waiting.kwargs) == ([QueuedCode.objects.get().pk], {})


def test_neither_the_row_nor_its_text_has_the_phone_or_the_code(phone, queue, settings):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    code = ask(phone).code
    row = QueuedCode.objects.get()
    held = [*(str(value) for key, value in vars(row).items() if key != "_state"), str(row)]
    assert not [value for value in held if phone.lstrip("+") in value or code in value]


def test_the_message_has_the_askers_language_and_host(phone, outbox, queue):
    with translation.override("ru"):
        ask(phone)
    queue.run()
    assert "код" in outbox[0].text.lower()
    assert "@example.com #" in outbox[0].text


@pytest.mark.parametrize("active", [None, "en"])
def test_a_request_in_no_language_is_of_the_site(phone, outbox, queue, active):
    with translation.override(active):
        ask(phone)
    queue.run()
    assert "code" in outbox[0].text


def test_the_signal_says_that_it_was_sent_when_it_was(phone, queue):
    seen = []
    signals.code_sent.connect(receiver := lambda **kwargs: seen.append(kwargs["phone_number"]))
    try:
        ask(phone)
        assert seen == []
        queue.run()
        assert seen == [phone]
    finally:
        signals.code_sent.disconnect(receiver)


def test_each_request_is_one_message(phone, outbox, queue, clock):
    ask(phone)
    clock(seconds=30)
    ask(phone)
    queue.run()
    assert len(outbox) == 2
    assert len({message.text for message in outbox}) == 1


def test_a_task_that_runs_twice_sends_one_message(phone, outbox, queue):
    ask(phone)
    pk = QueuedCode.objects.get().pk
    send_queued_code.func(pk)
    send_queued_code.func(pk)
    assert len(outbox) == 1


def test_a_message_of_another_worker_is_left_to_a_later_run(phone, outbox, queue, clock):
    ask(phone)
    QueuedCode.objects.update(due_at=time.time() + LEASE, attempts=1, is_taken=True)
    queue.run()
    assert outbox == queue.waiting == []


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 40), (1, SKEW - 1)])
def test_a_run_that_is_early_by_a_fast_clock_comes_again(phone, outbox, queue, clock, attempts, seconds):
    """By that of who asked, or of the queue."""
    ask(phone)
    QueuedCode.objects.update(due_at=time.time() + seconds, attempts=attempts)
    queue.run()
    assert outbox == []
    assert due(queue) == [seconds]
    clock(seconds=seconds)
    queue.run()
    assert len(outbox) == 1


def test_in_an_outage_there_are_two_runs_for_each_try(phone, queue, gateway, clock, monkeypatch):
    enqueued, call_worker = [], delivery.call_worker

    def counted(pk, **kwargs):
        enqueued.append(pk)
        call_worker(pk, **kwargs)

    monkeypatch.setattr("phone_referrals.signin.delivery.call_worker", counted)
    gateway(*[DeliveryFailed] * 100)
    ask(phone)
    for _ in range(700):
        queue.run()
        clock(seconds=1)
    assert queue.waiting == []
    assert len(enqueued) <= 1 + 2 * (100 - len(FAILURES))


def test_a_message_that_another_worker_takes_is_not_sent(phone, outbox, queue, monkeypatch):
    ask(phone)

    def taken_meanwhile(pk, **kwargs):
        QueuedCode.objects.update(due_at=time.time() + LEASE, attempts=1, is_taken=True)

    monkeypatch.setattr("phone_referrals.signin.delivery.call_worker", taken_meanwhile)
    queue.run()
    assert outbox == []


def test_a_refusing_gateway_is_tried_again_with_growing_waits(phone, outbox, queue, gateway, clock, caplog):
    gateway(*[DeliveryFailed] * 3)
    ask(phone)
    queue.run()
    for wait in (5, 10):
        assert wait in due(queue)
        clock(seconds=wait - 1)
        queue.run()
        left = len(FAILURES)
        clock(seconds=1)
        queue.run()
        assert len(FAILURES) == left - 1
    gateway()
    clock(seconds=20)
    queue.run()
    assert len(outbox) == 1
    assert usage() == (1, 0)
    clock(seconds=300)
    queue.run()
    assert len(outbox) == 1
    assert queue.waiting == []
    assert caplog.messages == []


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_gateway_that_may_have_sent_it_is_not_asked_again(phone, queue, gateway, clock, caplog, refusals):
    """Whatever it raises; and the visitor may ask again at once, at the price of another message."""
    gateway(*[DeliveryFailed] * refusals, *[TimeoutError] * 100)
    ask(phone)
    for _ in range(700):
        queue.run()
        clock(seconds=1)
    assert len(FAILURES) == 99
    assert not QueuedCode.objects.exists()
    assert usage() == (1, 1)
    assert caplog.messages == ["SMS given up: TimeoutError"]
    assert may_ask_again()
    assert len(PhoneVerification.objects.get().sent_at) == 1


def test_it_is_given_up_when_the_code_expires(phone, outbox, queue, gateway, clock, caplog):
    gateway(*[DeliveryFailed] * 100)
    ask(phone)
    clock(seconds=40)
    ask(phone)
    SmsUsage.objects.update(sent=1, segments=1)
    QueuedCode.objects.first().delete()
    for _ in range(600):
        queue.run()
        clock(seconds=1)
    assert 10 < 100 - len(FAILURES) < 20
    assert not QueuedCode.objects.exists()
    assert usage() == (0, 1)
    assert caplog.messages == ["SMS given up: DeliveryFailed"]
    state = PhoneVerification.objects.get().state
    # It keeps its place in the day's limit, because guesses at its code were judged.
    assert (len(state.sent_at), state.sent_since_success, state.resend_at) == (2, 1, None)
    clock(seconds=60)
    queue.run()
    assert outbox == queue.waiting == []


def test_however_often_it_was_tried_it_is_tried_again(phone, queue, gateway, clock):
    """A code that is asked for again and again lives on, and the message with it."""
    gateway(*[DeliveryFailed] * 2)
    ask(phone)
    QueuedCode.objects.update(attempts=1000)
    queue.run()
    assert QueuedCode.objects.get().due_at == time.time() + 60
    clock(seconds=60)
    queue.run()
    assert FAILURES == []


def test_it_is_not_tried_at_the_very_moment_the_code_expires(phone, queue, gateway, clock, caplog):
    gateway(DeliveryFailed)
    ask(phone)
    PhoneVerification.objects.update(code_expires_at=time.time() + 5)
    queue.run()
    assert not QueuedCode.objects.exists()
    assert caplog.messages == ["SMS given up: DeliveryFailed"]


def test_each_phone_and_each_purpose_has_its_own_message(phone, other_phone, outbox, queue):
    seen = []
    signals.code_sent.connect(receiver := lambda **kwargs: seen.append((kwargs["phone_number"], kwargs["purpose"])))
    asked = [(number, purpose) for number in (phone, other_phone) for purpose in ("sign_in", "change_phone")]
    for number, purpose in asked:
        request_code(phone_number=number, purpose=purpose, host="example.com")
    try:
        queue.run()
    finally:
        signals.code_sent.disconnect(receiver)
    assert seen == asked
    assert len({message.text for message in outbox}) == 4


def test_one_that_fails_leaves_those_of_the_same_moment_alone(phone, other_phone, queue, gateway):
    gateway(DeliveryFailed, DeliveryFailed)
    ask(phone)
    ask(other_phone)
    first, second = QueuedCode.objects.order_by("pk")
    QueuedCode.objects.filter(pk=second.pk).update(attempts=1, is_taken=True)
    send_queued_code.func(first.pk)
    second.refresh_from_db()
    assert second.is_taken


def test_without_the_setting_the_usual_queue_is_used(settings):
    settings.PHONE_REFERRALS_SMS_QUEUE = ""
    assert delivery.task().queue_name == "default"


def test_a_worker_sends_nothing_after_the_code_has_expired(phone, outbox, queue, clock, caplog):
    ask(phone)
    clock(seconds=600)
    queue.run()
    assert outbox == []
    assert usage() == (0, 1)
    assert caplog.messages == ["SMS given up: CodeExpired"]


def test_a_flood_does_not_keep_a_message_from_being_given_up(phone, queue, clock, monkeypatch):
    def busy(*args, **kwargs):
        raise Busy

    ask(phone)
    clock(seconds=600)
    monkeypatch.setattr(verification, "give_back", busy)
    queue.run()
    assert not QueuedCode.objects.exists()


def test_a_code_that_has_been_used_is_not_sent_again(phone, outbox, queue, last_code, clock, caplog):
    ask(phone)
    queue.run()
    clock(seconds=30)
    ask(phone)
    check_code(phone_number=phone, code=last_code(phone))
    queue.run()
    assert len(outbox) == 1
    assert not QueuedCode.objects.exists()
    assert usage() == (1, 1)
    assert caplog.messages == []


def test_clearing_the_limits_of_a_phone_takes_its_message_back(phone, outbox, queue):
    ask(phone)
    PhoneVerification.objects.all().clear()
    queue.run()
    assert outbox == []


def test_a_message_that_a_worker_died_with_is_not_sent_again(phone, outbox, queue, gateway, clock, caplog):
    """Nobody knows whether the gateway has it: the visitor may ask again, once the worker's time is over."""
    gateway(Killed)
    ask(phone)
    with pytest.raises(Killed):
        queue.run()
    gateway()
    queue.run()
    assert not may_ask_again()
    clock(seconds=LEASE)
    queue.run()
    assert outbox == []
    assert not QueuedCode.objects.exists()
    assert may_ask_again()
    assert usage() == (1, 1)
    assert caplog.messages == ["SMS given up: WorkerLost"]


@pytest.mark.parametrize("place", ["verification.give_back", "tasks._drop"])
def test_a_worker_that_dies_while_it_gives_up_is_followed(phone, outbox, queue, gateway, clock, monkeypatch, place):
    """By one that does what is left: nobody is kept waiting, and no row is left."""

    def killed(*args, **kwargs):
        raise Killed

    gateway(TimeoutError)
    ask(phone)
    with monkeypatch.context() as patch:
        patch.setattr(f"phone_referrals.signin.{place}", killed)
        for _ in range(3):
            with pytest.raises(Killed):
                queue.run()
            clock(seconds=LEASE)
    gateway()
    queue.run()
    assert outbox == []
    assert not QueuedCode.objects.exists()
    assert may_ask_again()
    assert usage() == (1, 1)


def test_a_text_that_cannot_be_rendered_is_given_up(phone, queue, monkeypatch):
    def render(**kwargs):
        raise ZeroDivisionError

    ask(phone)
    with monkeypatch.context() as patch:
        patch.setattr("phone_referrals.sms.render", render)
        queue.run()
    assert may_ask_again()
    assert not QueuedCode.objects.exists()


def test_a_worker_that_dies_before_it_takes_a_message_leaves_it(phone, outbox, queue, clock, monkeypatch):
    call_worker = delivery.call_worker

    def killed(pk, **kwargs):
        call_worker(pk, **kwargs)
        raise Killed

    ask(phone)
    with monkeypatch.context() as patch:
        patch.setattr("phone_referrals.signin.delivery.call_worker", killed)
        with pytest.raises(Killed):
            queue.run()
    clock(seconds=LEASE)
    queue.run()
    assert len(outbox) == 1
    assert not QueuedCode.objects.exists()


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_worker_that_dies_after_a_refusal_ends_the_wait(
    phone, outbox, queue, gateway, clock, monkeypatch, is_in_time
):
    """It was the only one that knew that nothing was sent."""
    calls, call_worker = [], delivery.call_worker

    def killed(pk, **kwargs):
        calls.append(pk)
        if len(calls) == 1 or is_in_time:
            call_worker(pk, **kwargs)
        if len(calls) == 2:
            raise Killed

    gateway(DeliveryFailed)
    ask(phone)
    with monkeypatch.context() as patch:
        patch.setattr("phone_referrals.signin.delivery.call_worker", killed)
        with pytest.raises(Killed):
            queue.run()
    gateway()
    clock(seconds=LEASE)
    queue.run()
    assert outbox == []
    assert not QueuedCode.objects.exists()
    assert may_ask_again()


def test_a_later_try_has_its_run_too(phone, outbox, queue, gateway, clock):
    gateway(DeliveryFailed)
    ask(phone)
    QueuedCode.objects.update(attempts=10)
    clock(seconds=1)

    class Slow(DeliveryFailed):
        def __init__(self, *args):
            clock(seconds=30)
            super().__init__()

    FAILURES[:] = [Slow]
    queue.run()
    gateway()
    clock(seconds=30)  # The time of the first run is over.
    queue.run()
    assert outbox == []
    clock(seconds=30)
    queue.run()
    assert len(outbox) == 1


@pytest.mark.parametrize("failure", [TimeoutError, DeliveryFailed, None])
def test_a_worker_that_is_slower_than_its_time_changes_nothing(phone, queue, gateway, clock, settings, failure, caplog):
    """Another run has given the wait back meanwhile, and counted the message as one that may have been sent."""

    class Slow(failure or Exception):
        def __init__(self, *args):
            clock(seconds=LEASE)
            send_queued_code.func(QueuedCode.objects.get().pk)
            super().__init__()

    gateway(Slow)
    if failure is None:
        settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.SlowSmsBackend"
    ask(phone)
    queue.run()
    assert not QueuedCode.objects.exists()
    assert usage() == (1, 1)
    assert may_ask_again()
    assert caplog.messages == ["SMS given up: WorkerLost"]


class SlowSmsBackend(FailingSmsBackend):
    """Takes the message in the end."""

    def send(self, message):
        FAILURES.pop()()


@pytest.mark.unmeasured
@pytest.mark.parametrize("text", ["a" * 161, "б" * 71])
@pytest.mark.parametrize(("failure", "counted"), [(None, 2), (TimeoutError, 2), (DeliveryFailed, 0)])
def test_a_message_has_its_segments_in_the_ceiling_all_the_time(
    phone, queue, gateway, clock, settings, text, failure, counted
):
    loaders = [("django.template.loaders.locmem.Loader", {"phone_referrals/sms.txt": text})]
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": {"loaders": loaders}}]
    gateway(*[failure] * 100 if failure else [])
    ask(phone)
    for _ in range(60):
        assert SmsUsage.objects.get().segments == 2 or not QueuedCode.objects.exists()
        queue.run()
        clock(seconds=10)
    assert SmsUsage.objects.get().segments == counted


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("zone", "now", "latest"),
    [
        ("UTC", "2026-07-01 12:00:00+00:00", 60),
        ("Asia/Kolkata", "2026-07-01 12:00:00+00:00", 60),
        ("Europe/Berlin", "2026-03-29 00:59:30+00:00", 60),  # In 30 seconds it is three o'clock.
        ("America/New_York", "2026-11-01 05:59:30+00:00", 3660),  # And here it is one o'clock once more.
    ],
)
def test_without_time_zones_a_run_is_never_too_early(settings, time_machine, zone, now, latest):
    """A run that is too early is none, and would be the last."""
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    time_machine.move_to(now, tick=False)
    run_after = delivery._as_the_queue_has_it(time.time() + 60)
    clock = [datetime.fromtimestamp(time.time() + second, ZoneInfo(zone)) for second in range(7200)]
    assert next(n for n, each in enumerate(clock) if each.replace(tzinfo=None) >= run_after) == latest


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_without_time_zones_messages_are_sent_and_given_up(phone, outbox, queue, gateway, settings, clock, zone):
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    gateway(DeliveryFailed)
    ask(phone)
    queue.run()
    gateway()
    clock(seconds=5)
    queue.run()
    assert len(outbox) == 1
    clock(seconds=30)
    ask(phone)
    gateway(TimeoutError)
    queue.run()
    assert may_ask_again()
    assert not QueuedCode.objects.exists()


class Unreachable(Exception):
    pass


def test_an_unreachable_queue_is_a_gateway_that_refused(phone, queue, monkeypatch, caplog):
    def unreachable(pk, **kwargs):
        raise Unreachable

    with monkeypatch.context() as patch:
        patch.setattr("phone_referrals.signin.delivery.call_worker", unreachable)
        with pytest.raises(DeliveryFailed):
            ask(phone)
    assert caplog.messages == ["SMS not delivered: Unreachable"]
    assert not QueuedCode.objects.exists()
    assert usage() == (0, 1)
    assert ask(phone).resend_in == 30


def test_a_row_that_cannot_be_written_is_a_gateway_that_refused(phone, queue, monkeypatch, caplog):
    def save(self, **kwargs):
        raise Unreachable

    with monkeypatch.context() as patch:
        patch.setattr(QueuedCode, "save", save)
        with pytest.raises(DeliveryFailed):
            ask(phone)
    assert caplog.messages == ["SMS not delivered: Unreachable"]
    assert queue.waiting == []
    assert ask(phone).resend_in == 30


def test_a_refund_to_an_emptied_table_is_not_negative(phone, queue, clock):
    ask(phone)
    SmsUsage.objects.update(sent=0, segments=0)
    clock(seconds=600)
    queue.run()
    assert usage() == (0, 0)


def test_the_queue_may_have_a_name(phone, queue, settings):
    settings.PHONE_REFERRALS_SMS_QUEUE = "sms"
    settings.TASKS = {"default": {"BACKEND": queue.backend, "QUEUES": ["sms"]}}
    ask(phone)
    assert [each.task.queue_name for each in queue.waiting] == ["sms"]


def test_a_message_is_counted_in_the_days_it_was_asked_on(phone, queue, clock, settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 5}
    clock(hours=11, minutes=55)
    ask(phone)
    clock(seconds=600)
    queue.run()
    assert set(SmsUsage.objects.values_list("day__day", "region", "sent", "failed")) == {
        (23, "US", 0, 1),
        (23, "", 0, 1),
    }
