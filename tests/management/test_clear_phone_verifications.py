from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from io import StringIO
from time import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models.signals import pre_delete

from phone_referrals.models import PhoneVerification, QueuedCode
from phone_referrals.signin.models import State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(datetime(2026, 6, 10, 12, tzinfo=UTC), tick=False)


def add(number, days, **values):
    at = datetime(2026, 6, 10, 12, tzinfo=UTC) - timedelta(days=days)
    PhoneVerification.objects.create(
        phone_number=f"+1201555{number:04}", purpose="sign_in", updated_at=at.timestamp(), **values
    )


def clear(*arguments):
    output = StringIO()
    call_command("clear_phone_verifications", *arguments, stdout=output)
    return output.getvalue()


def left():
    return list(PhoneVerification.objects.order_by("phone_number").values_list("phone_number", flat=True))


def test_those_that_nobody_has_used_for_long_go():
    add(100, 31)
    add(101, 29)
    assert clear() == "Deleted 1 phone verifications.\n"
    assert left() == ["+12015550101"]
    assert clear("--days", "10") == "Deleted 1 phone verifications.\n"


def test_wrong_guesses_are_never_forgotten():
    add(100, 1000, wrong_guesses_since_success=1)
    clear()
    assert left() == ["+12015550100"]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_days_are_counted_without_time_zones_too(settings, time_machine, zone):
    settings.USE_TZ, settings.TIME_ZONE = False, zone
    time_machine.move_to(datetime(2026, 3, 9, tzinfo=UTC), tick=False)  # A day after New York lost an hour.
    at = time() - 2 * 24 * 3600
    for number, away in ((100, -60), (101, 60)):
        values = {"phone_number": f"+1201555{number:04}", "purpose": "sign_in", "updated_at": at + away}
        PhoneVerification.objects.create(**values)
    assert clear("--days", "2") == "Deleted 1 phone verifications.\n"
    assert left() == ["+12015550101"]


@pytest.mark.parametrize("days", ["1", "0", "-5"])
def test_the_messages_of_a_day_are_not_forgotten(days):
    with pytest.raises(CommandError, match="2 or more"):
        clear("--days", days)


def test_queued_codes_go_with_their_row_and_are_not_counted():
    add(100, 31)
    values = {"host": "example.com", "language": "en", "counted_in": [], "queued_at": time()}
    QueuedCode.objects.create(verification=PhoneVerification.objects.get(), due_at=time(), **values)
    assert clear() == "Deleted 1 phone verifications.\n"
    assert not QueuedCode.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_guess_that_is_made_while_its_row_goes_is_not_lost():
    """Whoever made it is told that the row is another one by now, and looks again."""
    add(100, 31)
    row, guesses = PhoneVerification.objects.get(), []

    def guess():
        try:
            return PhoneVerification.objects.write(row, State(wrong_guesses_since_success=1))
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool:

        def guess_now(**kwargs):
            guesses.append(pool.submit(guess))
            wait(guesses, timeout=1)

        pre_delete.connect(guess_now, PhoneVerification)
        try:
            clear()
        finally:
            pre_delete.disconnect(guess_now, PhoneVerification)
    assert [each.result() for each in guesses] == [False]
    assert left() == []
