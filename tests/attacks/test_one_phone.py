"""Everything that can be done to one phone by somebody who knows the rules and has any number of addresses."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine

from phone_referrals.models import PhoneVerification, SmsUsage
from tests.attacks.attackers import DAY, Record, in_parallel, most_in_24_hours, tell, wrong_codes

START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def owner_signs_in(day):
    """Every day, but for two weeks that each begin with a lock."""
    return not (8 <= day < 15 or day >= 23)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_thirty_days_of_asking_and_guessing_as_fast_as_allowed(clock, phone, last_code):
    """The attacker asks at every moment at which it could help, and enters more codes at once than are judged.

    The codes are entered with the handle of the latest message and without one, the owner's among them. A phone that
    is locked is cleared on day 15.
    """
    record, signed_in_on, locked_on = Record(), set(), []
    now = START
    with in_parallel() as in_parallel_:
        while (day := (now - START).days) < 30:
            clock.move_to(now)
            answers = in_parallel_(record.ask, [phone] * 2)
            waits = [wait for _, wait in answers]
            if any(outcome == "sent" for outcome, _ in answers):
                handle = record.handles[-1]
                entered = [(code, handle) for code in wrong_codes(last_code(phone), 6)]
                entered += [(code, "") for code in wrong_codes(last_code(phone), 11)]
                if owner_signs_in(day) and day not in signed_in_on:
                    entered.insert(day % 6, (last_code(phone), handle))
                if "accepted" in in_parallel_(lambda guess: record.enter(phone, *guess), entered):
                    signed_in_on.add(day)
                    waits = [1]  # The clock tells what came before a sign-in from what came after it.
            if answers[0][0] == "phone_locked":
                locked_on.append(day)
                clock.move_to(now := START + (15 if day < 15 else 30) * DAY)
                PhoneVerification.objects.filter(phone_number=phone).clear()
                record.cleared.append(now)
                now += timedelta(seconds=1)
            else:
                now += timedelta(seconds=min(waits))

    figures = {
        "messages_in_24_h": most_in_24_hours(record.messages),
        "judged_guesses_in_24_h": most_in_24_hours(record.judged),
        "wrong_guesses_between_sign_ins": record.most_wrong_in_a_row(),
    }
    tell(
        "One phone, 30 days",
        messages=len(record.messages),
        judged_guesses=len(record.judged),
        sign_ins_of_the_owner=len(record.successes),
        locks=len(locked_on),
        **figures,
    )
    # Not one less either: an attacker who got less would prove nothing.
    assert list(figures.values()) == [10, 60, 100]
    assert len(locked_on) == 2
    assert len(signed_in_on) >= 10


@pytest.mark.django_db
def test_a_stranger_who_sends_no_message_keeps_no_owner_out(clock, phone, last_code):
    """The stranger polls from the first second, for two weeks, and has any number of addresses."""
    stranger, owner = Record(), Record()
    for _ in range(14):
        for seconds in (0, 1, 8):
            clock.shift(seconds)
            for code in wrong_codes("000000", 30):
                stranger.enter(phone, code, request_id="0" * 32)
            if seconds == 0:
                assert owner.ask(phone)[0] == "sent"
        assert owner.enter(phone, last_code(phone), owner.handles[-1]) == "accepted", "at the first try"
        clock.shift(DAY - timedelta(seconds=9))
    tell("Two weeks of polling", judged_guesses=len(stranger.judged), sign_ins_of_the_owner=len(owner.successes))
    assert most_in_24_hours(stranger.judged) == 10
    assert len(owner.successes) == 14


@pytest.mark.django_db
def test_a_stranger_who_polls_for_a_year_does_not_lock_a_phone(clock, phone, last_code):
    """The owner asks every day and does not get to entering the code."""
    stranger, owner = Record(), Record()
    for _ in range(365):
        owner.ask(phone)
        for code in wrong_codes(last_code(phone), 30):
            stranger.enter(phone, code)
        clock.shift(DAY)
    assert owner.ask(phone)[0] == "sent"
    assert owner.enter(phone, last_code(phone), owner.handles[-1]) == "accepted"
    tell("A year of polling", judged_guesses=len(stranger.judged))
    assert stranger.most_wrong_in_a_row() == 20


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_code_that_was_never_sent_gives_no_further_guesses(clock, phone, last_code, settings):
    """Where the day's ceiling is reached, requests cost nothing: neither may they bring anything."""
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 1}
    record = Record()
    record.ask(phone)
    with in_parallel() as in_parallel_:
        for _ in range(30):
            clock.shift(60)
            attempts = [partial(record.ask, phone), *(partial(record.enter, phone, code) for code in ["000000"] * 5)]
            in_parallel_(lambda attempt: attempt(), attempts)
    tell("One phone, ceiling reached", messages=len(record.messages), judged_guesses=len(record.judged))
    assert len(record.messages) == 1
    assert len(record.judged) <= 50


@pytest.mark.django_db
@pytest.mark.parametrize("gateway", ["works", "is at its ceiling", "refuses", "is silent"])
def test_asking_for_codes_does_not_void_the_owners_latest(clock, phone, last_code, settings, gateway):
    for minutes in (0, 1, 4, 5, 6, 9):
        PhoneVerification.objects.all().delete()
        settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
        settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {}
        record = Record()
        record.ask(phone)
        code = last_code(phone)
        if gateway == "is at its ceiling":
            settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
        elif gateway == "refuses":
            settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.RefusingSmsBackend"
        elif gateway == "is silent":
            settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.SlowGateway"
        for _ in range(20):
            record.ask(phone)
            clock.shift(minutes * 60 / 20)
        if gateway in {"works", "is silent"}:
            code = last_code(phone)
        assert record.enter(phone, code) == "accepted"
        clock.shift(DAY)


class SlowGateway:
    """Delivers the message, and does not say so in time."""

    def send(self, message):
        from phone_referrals.sms import locmem

        locmem.outbox.append(message)
        raise TimeoutError


@pytest.mark.django_db
@pytest.mark.parametrize("is_queued", [False, True])
def test_a_gateway_that_is_silent_is_asked_once(clock, phone, outbox, settings, request, is_queued):
    """One request is one message and one place in the ceiling, however long the workers go on."""
    queue = request.getfixturevalue("queue") if is_queued else None
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.SlowGateway"
    record = Record()
    for requests in (1, 2, 3):
        record.ask(phone)
        for _ in range(700 if is_queued else 0):
            queue.run()
            clock.shift(1)
        clock.shift(60)
        assert len(outbox) == SmsUsage.objects.get().sent == requests
        assert len(PhoneVerification.objects.get().sent_at) == requests
