from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from phone_referrals.models import SmsUsage
from phone_referrals.signin.verification import request_code

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(datetime(2026, 6, 10, 12, tzinfo=UTC), tick=False)


def table(*arguments):
    """Run the command; return its lines as lists of words."""
    output = StringIO()
    call_command("sms_usage", *arguments, stdout=output)
    return [line.split() for line in output.getvalue().splitlines()]


def add(day, region, **counts):
    SmsUsage.objects.create(day=date(2026, 6, day), region=region, **counts)


def test_it_prints_each_day_and_region_newest_day_first():
    add(9, "US", sent=4, segments=5, verified=1, failed=2)
    add(10, "GB", sent=1000000, verified=999999)
    add(10, "CA", sent=3, verified=2)

    assert table() == [
        ["day", "region", "sent", "segments", "verified", "failed", "verified"],
        ["2026-06-10", "CA", "3", "0", "2", "0", "67%"],
        ["2026-06-10", "GB", "1000000", "0", "999999", "0", "100%"],
        ["2026-06-09", "US", "4", "5", "1", "2", "25%"],
    ]


def test_its_columns_are_aligned(capsys):
    add(10, "US", sent=4, verified=1)
    add(10, "GB", sent=1000000, verified=999999)

    call_command("sms_usage")

    assert len({len(line) for line in capsys.readouterr().out.splitlines()}) == 1


def test_slots_of_a_day_are_added_up():
    for slot in range(3):
        add(10, "US", slot=slot, sent=2, verified=1, failed=1)
    assert table()[1:] == [["2026-06-10", "US", "6", "0", "3", "3", "50%"]]


def test_the_count_of_all_regions_is_no_region():
    add(10, "", sent=2)
    add(10, "US", sent=2)
    assert table()[1:] == [["2026-06-10", "US", "2", "0", "0", "0", "0%"]]


def test_a_day_on_which_nothing_was_sent_has_no_share():
    add(10, "US", failed=1)
    assert table()[1:] == [["2026-06-10", "US", "0", "0", "0", "1", "-"]]


@pytest.mark.parametrize(
    ("arguments", "days"), [([], 7), (["--days", "1"], 1), (["--days", "9"], 9), (["--days=3"], 3)]
)
def test_it_looks_back_a_week_or_as_far_as_told(arguments, days):
    for day in range(1, 11):
        add(day, "US", sent=1)
    assert [row[0] for row in table(*arguments)[1:]] == [f"2026-06-{day:02}" for day in range(10, 10 - days, -1)]


def test_days_are_those_of_utc(settings, time_machine):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    add(9, "US", sent=1)
    add(10, "US", sent=2)
    assert [row[0] for row in table("--days", "1")[1:]] == ["2026-06-10"]


def test_it_shows_what_was_sent(phone):
    request_code(phone_number=phone, host="example.com")
    assert table()[1:] == [["2026-06-10", "US", "1", "1", "0", "0", "0%"]]


def test_nothing_sent_is_an_empty_table():
    assert len(table()) == 1
