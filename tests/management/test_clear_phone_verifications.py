from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from phone_referrals.models import PhoneVerification

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(datetime(2026, 6, 10, 12, tzinfo=UTC), tick=False)


def add(number, days, **values):
    at = datetime(2026, 6, 10, 12, tzinfo=UTC) - timedelta(days=days)
    PhoneVerification.objects.create(phone_number=f"+1201555{number:04}", purpose="sign_in", updated_at=at, **values)


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


@pytest.mark.parametrize("days", ["1", "0", "-5"])
def test_the_messages_of_a_day_are_not_forgotten(days):
    with pytest.raises(CommandError, match="2 or more"):
        clear("--days", days)
