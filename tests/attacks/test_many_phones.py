"""What an attacker gets who turns to the next phone when one is spent."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest
import time_machine
from rest_framework.test import APIClient

from phone_referrals import signals
from phone_referrals.models import SmsUsage
from phone_referrals.signin import policy, usage
from phone_referrals.signin.models import State
from phone_referrals.signin.policy import Limits, Outcome
from tests.attacks.attackers import Record, in_parallel, tell

START = datetime(2030, 1, 1, tzinfo=UTC)
LIMITS = Limits(
    lifetime=600,
    messages_per_day=10,
    resend_wait=(30, 3600),
)
# 555-0100 to 555-0199 are kept for fiction in every area code.
US_AREAS = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212)
PHONES = [f"+1{area}55501{line:02}" for area, line in product((201, 202, 203, 205), range(100))]

US_NUMBERS = [f"+1{area}55501{line:02}" for area, line in product(US_AREAS, range(100))]


@cache
def attack_to_the_end(right_at):
    """Attack a phone until it is locked; or until the guess of number `right_at`, which is right, gets in."""
    state, now, outcome, messages, guesses = State(), START.timestamp(), None, 0, 0
    while outcome not in {Outcome.LOCKED, Outcome.ACCEPTED}:
        sent = policy.on_request(state, now=now, limits=LIMITS, new_serial=messages)
        messages += sent.outcome == Outcome.SEND
        state, outcome = sent.state, sent.outcome
        for own in ((len(state.sent_at) - 1,), ()):
            while outcome in {Outcome.SEND, Outcome.WRONG, Outcome.TOO_MANY_GUESSES}:
                judged = policy.on_guess(state, now=now, limits=LIMITS, is_right=guesses == right_at, own=own)
                guesses += judged.outcome in {Outcome.WRONG, Outcome.ACCEPTED}
                state, outcome = judged.state, judged.outcome
                if outcome == Outcome.TOO_MANY_GUESSES:
                    break
        now += sent.wait
    return outcome, messages, guesses, (now - START.timestamp()) // 3600


def test_ten_thousand_phones_attacked_until_each_is_locked():
    """By docs/topics/security.md: 100 guesses of 1 in 1,000,000 for each of 10,000 phones get into one.

    The attacker uses every guess: those of each message with its handle, and those without. Phones that are guessed
    right at the same guess, or never, go the same way: it is gone once.
    """
    chance = random.Random(1)
    rights = [next((guess for guess in range(200) if chance.random() < 1e-6), None) for _ in range(10_000)]
    ends = [attack_to_the_end(right_at) for right_at in rights]
    outcomes = Counter(outcome for outcome, *_ in ends)
    broken_into, locked = outcomes[Outcome.ACCEPTED], outcomes[Outcome.LOCKED]
    messages, guesses = sum(each[1] for each in ends), sum(each[2] for each in ends)
    longest = max(each[3] for each in ends)
    tell(
        "10,000 phones, to the end",
        messages=messages,
        judged_guesses=guesses,
        broken_into=broken_into,
        locked=locked,
        hours=longest,
    )
    assert broken_into + locked == 10_000
    assert guesses <= 10_000 * 100
    assert messages <= 10_000 * 20
    assert broken_into <= 5


def attack(phones, record, in_parallel_):
    """Ask for a code for each phone, many at once, and guess at all that are sent."""
    answers = in_parallel_(record.ask, phones)
    sent = [phone for phone, (outcome, _) in zip(phones, answers, strict=True) if outcome == "sent"]
    in_parallel_(lambda entry: record.enter(*entry), [(each, code) for each in sent for code in ["000000"] * 11])
    return answers


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slots", [1, 3])
def test_a_ceiling_holds_exactly_against_many_phones_at_once(settings, slots, monkeypatch):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 20}
    monkeypatch.setattr(usage, "SEGMENTS_PER_SLOT", 20 // slots)
    record = Record()
    with time_machine.travel(START, tick=False) as clock, in_parallel() as in_parallel_:
        per_day = []
        for day in range(2):
            answers = attack(PHONES[day::8], record, in_parallel_)
            per_day.append(sum(outcome == "sent" for outcome, _ in answers))
            assert {outcome for outcome, _ in answers} == {"sent", "sms_limit_reached"}
            clock.shift(timedelta(days=1))
    tell(f"Ceiling of 20 in {slots} slots, 50 phones a day", messages=len(record.messages), guesses=len(record.judged))
    assert per_day == [20, 20]
    assert len(record.judged) == 2 * 20 * 10


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_messages_that_nobody_answers_stop_themselves(settings, last_code):
    """Real people sign in after most messages; an attacker who wants messages does not."""
    settings.PHONE_REFERRALS_MIN_CONVERSION = (20, 0.2)
    paused, owners, attackers = [], Record(), Record()
    signals.sms_paused.connect(listener := lambda region, **kwargs: paused.append(region))
    with time_machine.travel(START, tick=False), in_parallel() as in_parallel_:
        for phone in PHONES[:10]:
            owners.ask(phone)
            assert owners.enter(phone, last_code(phone)) == "accepted"
        answers = in_parallel_(attackers.ask, PHONES[10:110])
    signals.sms_paused.disconnect(listener)
    tell("Pause below 20 %, 10 people", messages_to_people=10, messages_to_attackers=len(attackers.messages))
    # The 52nd message finds 10 of 51, which is less than a fifth.
    assert len(attackers.messages) == 51 - 10
    assert {outcome for outcome, _ in answers} == {"sent", "sms_limit_reached"}
    assert paused == ["US"]
    assert SmsUsage.objects.get(region="US").sent == 51


@pytest.mark.django_db
def test_a_thousand_numbers_stop_at_the_ceiling_nobody_set(settings, outbox, caplog):
    """As an attacker does it who has fifty networks: allowed regions are set, and nothing else."""
    assert not hasattr(settings, "PHONE_REFERRALS_SMS_DAILY_LIMIT")
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {}}
    client, answers = APIClient(), Counter()
    with time_machine.travel(START, tick=False):
        for number, phone in enumerate(US_NUMBERS):
            address = f"198.{18 + number % 50 // 25}.{number % 50}.{number // 50}"
            answer = client.post("/api/users/get_verify_code/", {"phone_number": phone}, REMOTE_ADDR=address)
            answers[answer.status_code] += 1
    tell("1,000 numbers, 50 networks", messages=len(outbox), refused=answers[503])
    assert answers == {200: 500, 503: 500}
    assert len(outbox) == SmsUsage.objects.get().segments == 500
    [error] = [record.getMessage() for record in caplog.records if record.name == "phone_referrals"]
    assert 'raise PHONE_REFERRALS_SMS_DAILY_LIMIT["US"]' in error


@pytest.mark.django_db
def test_one_network_of_many_addresses_has_one_rate(settings, outbox):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {}}
    client = APIClient()
    with time_machine.travel(START, tick=False):
        for number, phone in enumerate(US_NUMBERS[:400]):
            address = f"198.51.100.{number % 256}"
            client.post("/api/users/get_verify_code/", {"phone_number": phone}, REMOTE_ADDR=address)
    assert len(outbox) == 300
