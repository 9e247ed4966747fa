"""Numbers with a fixed code, for people who review an app and receive no SMS: `PHONE_REFERRALS_TEST_NUMBERS`."""

from datetime import UTC, date, datetime

from phone_referrals.conf import conf


def fixed_code(phone_number: str) -> str | None:
    """Return the fixed code of an E.164 number, or `None` for every other number and after the last day."""
    entry = conf.test_numbers.get(phone_number)
    if entry is None or datetime.now(UTC).date() > last_day(entry["until"]):
        return None
    return str(entry["code"])


def last_day(until: str | date) -> date:
    """Read `until`, a date or its ISO 8601 text; raises `ValueError`."""
    if isinstance(until, datetime):
        return until.date()
    return until if isinstance(until, date) else date.fromisoformat(until)
