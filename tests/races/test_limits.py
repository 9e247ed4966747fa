"""Many requests at the same moment at a limit. Below each rule: the naive twin, which breaks it."""

import logging
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Sum
from rest_framework.test import APIClient

from phone_referrals import signals
from phone_referrals.exceptions import DeliveryFailed, SmsLimitReached
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import usage, verification
from phone_referrals.signin.verification import CodeSent, request_code
from tests.races import naive, naive_limits

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 20
# A twin breaks its rule nearly always; rounds only make "nearly" not matter.
ROUNDS = 10

US = [f"+12015550{number}" for number in range(100, 100 + THREADS)]
CA = [f"+14165550{number}" for number in range(100, 100 + THREADS)]

CEILINGS = {
    "of a region": {"SMS_DAILY_LIMIT": {"US": 10}},
    "in all": {"SMS_DAILY_LIMIT": {"total": 10}},
    "of both": {"SMS_DAILY_LIMIT": {"total": 10, "US": 10}},
}


@pytest.fixture(autouse=True)
def noon(time_machine):
    """Messages are counted by the day, which would end in a test that runs at midnight."""
    time_machine.move_to(datetime.now(UTC).replace(hour=12))


@pytest.fixture
def set_(settings, monkeypatch):
    """Set settings of the package, and the most rows of a day: `set_(slots=3, SMS_DAILY_LIMIT={"total": 10})`."""

    def set_(slots=1, **values):
        monkeypatch.setattr(usage, "SEGMENTS_PER_SLOT", 1)
        monkeypatch.setattr(usage, "MOST_SLOTS", slots)
        for name, value in values.items():
            setattr(settings, f"PHONE_REFERRALS_{name}", value)

    return set_


@pytest.fixture
def send(at_once, outbox):
    """Ask for codes for phones at once, on a day on which nothing was sent; return what came of it."""

    def send(phones=US):
        outbox.clear()
        PhoneVerification.objects.all().delete()
        SmsUsage.objects.all().delete()
        results = at_once(
            *[lambda phone=phone: request_code(phone_number=phone, host="example.com") for phone in phones]
        )
        return Counter(map(type, results))

    return send


def counted(column="sent", **rows):
    return SmsUsage.objects.filter(**rows).aggregate(sum=Sum(column))["sum"]


@pytest.mark.parametrize("ceiling", CEILINGS)
@pytest.mark.parametrize("slots", [1, 3])
def test_twenty_senders_at_a_ceiling_of_ten_are_ten(send, set_, outbox, ceiling, slots):
    set_(**CEILINGS[ceiling], slots=slots)

    assert send() == {CodeSent: 10, SmsLimitReached: 10}
    assert len(outbox) == 10
    assert counted(region="US") == 10
    assert counted(region="") in {None, 10}


@pytest.mark.parametrize("ceiling", CEILINGS)
@pytest.mark.parametrize("take", [naive_limits.take, naive_limits.take_counting_well])
def test_twenty_senders_pass_ten_without_counting_in_the_check(send, set_, monkeypatch, ceiling, take):
    set_(**CEILINGS[ceiling])
    monkeypatch.setattr(usage, "_take", take)

    assert any(send()[CodeSent] > 10 for _ in range(ROUNDS))


@pytest.fixture
def long_texts(settings):
    """Texts of two segments each."""
    loaders = [("django.template.loaders.locmem.Loader", {"phone_referrals/sms.txt": "б" * 71})]
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": {"loaders": loaders}}]


@pytest.mark.parametrize("limit", [{"US": 11}, {"total": 11}])
def test_twenty_senders_of_two_segments_are_five_at_eleven(send, set_, outbox, long_texts, limit):
    set_(SMS_DAILY_LIMIT=limit)

    assert send() == {CodeSent: 5, SmsLimitReached: 15}
    assert len(outbox) == 5
    assert (counted(region="US"), counted("segments", region="US")) == (5, 10)


def test_twenty_senders_of_two_segments_pass_eleven_naively(send, set_, long_texts, monkeypatch):
    set_(SMS_DAILY_LIMIT={"US": 11})
    monkeypatch.setattr(usage, "_take", naive_limits.take_counting_well)

    assert any(send()[CodeSent] > 5 for _ in range(ROUNDS))


def test_senders_refused_at_once_are_told_when_to_come_back(at_once, set_, time_machine):
    time_machine.move_to(datetime(2026, 6, 1, 18, tzinfo=UTC), tick=False)
    set_(SMS_DAILY_LIMIT={"total": 10})

    results = at_once(*[lambda phone=phone: request_code(phone_number=phone, host="example.com") for phone in US])

    refused = [result for result in results if isinstance(result, SmsLimitReached)]
    assert [(each.status_code, each.retry_after) for each in refused] == [(503, 6 * 3600)] * 10
    # It has cost them nothing, though all were refused at once.
    waiting = PhoneVerification.objects.exclude(resend_at=None)
    assert waiting.count() == 10
    assert sorted(len(row.sent_at) for row in PhoneVerification.objects.all()) == [0] * 10 + [1] * 10


@pytest.mark.parametrize("slots", [1, 3])
def test_each_region_has_its_ceiling_while_others_send_too(send, set_, slots):
    set_(SMS_DAILY_LIMIT={"US": 6, "CA": 3}, slots=slots)

    assert send([*US[:10], *CA[:10]]) == {CodeSent: 9, SmsLimitReached: 11}
    assert (counted(region="US"), counted(region="CA")) == (6, 3)


@pytest.mark.parametrize("slots", [1, 3])
def test_the_ceiling_in_all_holds_over_regions(send, set_, outbox, slots):
    set_(SMS_DAILY_LIMIT={"total": 9, "US": 3}, slots=slots)

    assert send([*US[:10], *CA[:10]])[CodeSent] == len(outbox) == counted(region="") == 9
    # What the regions count is what was sent: a refusal in all was given back.
    assert counted(region="US") + counted(region="CA") == 9
    assert counted(region="US") <= 3


@pytest.mark.parametrize("slots", [1, 3])
def test_the_first_messages_of_a_day_are_all_counted(send, set_, caplog, slots):
    set_(slots=slots)

    assert send() == {CodeSent: THREADS}
    assert counted() == THREADS
    assert not caplog.records


def test_the_first_messages_of_a_day_are_miscounted_naively(send, monkeypatch):
    monkeypatch.setattr(usage, "_take", naive_limits.take)

    assert any(send()[CodeSent] > counted() for _ in range(ROUNDS))


@pytest.fixture
def reports(caplog):
    """Count the signals and the logged errors."""
    heard = Counter()

    def on_limit(region, **keywords):
        heard["limit", region] += 1

    def on_pause(region, **keywords):
        heard["pause", region] += 1

    signals.sms_limit_reached.connect(on_limit)
    signals.sms_paused.connect(on_pause)

    def reports():
        logged = sum(record.levelno == logging.ERROR for record in caplog.records)
        result = {**heard, "logged": logged}
        heard.clear()
        caplog.clear()
        return result

    yield reports
    signals.sms_limit_reached.disconnect(on_limit)
    signals.sms_paused.disconnect(on_pause)


@pytest.mark.parametrize("slots", [1, 3])
def test_a_ceiling_met_by_many_at_once_is_reported_once(send, set_, reports, slots):
    set_(SMS_DAILY_LIMIT={"US": 0, "CA": 0}, slots=slots)
    send([*US[:10], *CA[:10]])
    assert reports() == {("limit", "US"): 1, ("limit", "CA"): 1, "logged": 2}

    set_(SMS_DAILY_LIMIT={"total": 10})
    send()
    assert reports() == {("limit", ""): 1, "logged": 1}


def test_a_ceiling_is_reported_many_times_without_comparing(send, set_, reports, monkeypatch):
    set_(SMS_DAILY_LIMIT={"US": 0})
    monkeypatch.setattr(usage, "_report_once", naive_limits.report_once)

    def reported():
        send()
        return reports()

    assert any(report["limit", "US"] > 1 and report["logged"] > 1 for report in (reported() for _ in range(ROUNDS)))


def test_twenty_senders_whose_codes_nobody_enters_are_ten(send, set_, outbox, reports):
    set_(MIN_CONVERSION=(10, 0.5))

    assert send() == {CodeSent: 10, SmsLimitReached: 10}
    assert len(outbox) == counted() == 10
    assert reports() == {("pause", "US"): 1, "logged": 1}


def test_twenty_senders_pass_ten_without_a_pause_in_the_count(send, set_, monkeypatch):
    set_(MIN_CONVERSION=(10, 0.5))
    monkeypatch.setattr(usage, "_take", naive_limits.take)

    assert any(send()[CodeSent] > 10 for _ in range(ROUNDS))


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(
    ("backend", "sent"), [("tests.gateways.RefusingSmsBackend", 0), ("tests.gateways.SilentSmsBackend", THREADS)]
)
def test_failures_are_counted_exactly(send, set_, slots, backend, sent):
    set_(slots=slots, SMS_BACKEND=backend, SMS_DAILY_LIMIT={"total": 1000})

    assert send() == {DeliveryFailed: THREADS}
    for region in ("US", ""):
        assert (counted(region=region), counted("failed", region=region)) == (sent, THREADS)


def test_failures_are_miscounted_without_adding_in_the_database(send, set_, monkeypatch):
    set_(SMS_BACKEND="tests.gateways.SilentSmsBackend")
    monkeypatch.setattr(usage.Reservation, "give_back", naive_limits.give_back)

    def failed():
        send()
        return counted("failed")

    assert any(failed() < THREADS for _ in range(ROUNDS))


@pytest.fixture
def verify(at_once):
    def verify():
        SmsUsage.objects.all().delete()
        assert at_once(*[lambda phone=phone: usage.record_verified(phone) for phone in US]) == [None] * THREADS
        return counted("verified")

    return verify


@pytest.mark.parametrize("slots", [1, 3])
def test_sign_ins_are_counted_exactly(verify, set_, slots):
    set_(slots=slots)
    assert verify() == THREADS


def test_sign_ins_are_miscounted_without_adding_in_the_database(verify, monkeypatch):
    monkeypatch.setattr(usage, "record_verified", naive_limits.record_verified)
    assert any(verify() < THREADS for _ in range(ROUNDS))


ADDRESSES = ["192.0.2.1", "198.51.100.1"]


@pytest.fixture
def call(at_once, settings):
    """Make calls at once, half of them from one address and half from another, throttled as by default."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {}}

    def call(path, *bodies):
        cache.clear()

        def post(body, address):
            answer = APIClient(REMOTE_ADDR=address).post(path, body, format="json")
            return answer.status_code, answer.json().get("code")

        return Counter(
            at_once(
                *[
                    lambda number=number, body=body: post(body, ADDRESSES[number % 2])
                    for number, body in enumerate(bodies)
                ]
            )
        )

    return call


@pytest.fixture
def request_at_once(call, outbox, phone):
    def scenario():
        outbox.clear()
        PhoneVerification.objects.all().delete()
        return call("/api/users/get_verify_code/", *[{"phone_number": phone}] * THREADS)

    return scenario


def test_a_phone_is_sent_one_message_when_many_ask_at_once(request_at_once, outbox):
    answers = request_at_once()

    assert answers.pop((200, None)) == len(outbox) == 1
    assert answers.keys() <= {(429, "resend_too_soon"), (503, "busy")}
    assert counted() == 1


def test_a_phone_is_sent_many_messages_without_comparing(request_at_once, monkeypatch, outbox):
    monkeypatch.setattr(verification, "_decide", naive.decide)
    assert any(request_at_once()[200, None] == len(outbox) > 1 for _ in range(ROUNDS))


@pytest.fixture
def guess_at_once(call, outbox, send_code, phone):
    def scenario():
        PhoneVerification.objects.all().delete()
        right = int(send_code(phone))
        guesses = [f"{(right + away) % 10**6:06}" for away in range(1, THREADS + 1)]
        return call("/api/users/auth/", *[{"phone_number": phone, "code": guess} for guess in guesses])

    return scenario


def test_ten_guesses_without_a_handle_are_judged(guess_at_once, phone):
    answers = guess_at_once()

    assert answers.pop((400, "invalid_code")) == 10
    assert answers.keys() <= {(429, "too_many_guesses"), (503, "busy")}
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 10
    assert not get_user_model().objects.exists()


def test_more_guesses_are_judged_without_comparing(guess_at_once, monkeypatch):
    monkeypatch.setattr(verification, "_decide", naive.decide)
    assert any(guess_at_once()[400, "invalid_code"] > 10 for _ in range(ROUNDS))
