"""The chart over the list of `SmsUsage`: messages and sign-ins of the last days."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, QuerySet, Sum

DAYS = 30
WIDTH, HEIGHT = 24, 200  # of a day, and of the highest bar


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day. Heights are whole pixels, measured from the bottom."""

    day: date
    x: int
    sent: int
    verified: int
    sent_height: int
    verified_height: int

    @property
    def sent_y(self) -> int:
        return HEIGHT - self.sent_height

    @property
    def verified_y(self) -> int:
        return HEIGHT - self.verified_height


@dataclass(frozen=True, kw_only=True)
class Chart:
    bars: list[Bar]
    highest: int
    width: int = DAYS * WIDTH
    height: int = HEIGHT


def draw(usage: QuerySet[Any]) -> Chart | None:
    """Return the chart of the last 30 days that `usage` has; `None` where it has none."""
    # Region "" counts all regions again, if they have a ceiling. It is drawn only if the filter selects it.
    by_day = usage.order_by().values("day")
    counted = by_day.exclude(region="") if by_day.exclude(region="").exists() else by_day
    last = counted.aggregate(last=Max("day"))["last"]
    if last is None:
        return None
    first = last - timedelta(days=DAYS - 1)
    sums = {
        row["day"]: row
        for row in counted.filter(day__gte=first).annotate(all_sent=Sum("sent"), all_verified=Sum("verified"))
    }
    highest = max(1, *(max(row["all_sent"], row["all_verified"]) for row in sums.values()))
    return Chart(highest=highest, bars=[_bar(number, first, sums, highest) for number in range(DAYS)])


def _bar(number: int, first: date, sums: dict[date, Any], highest: int) -> Bar:
    day = first + timedelta(days=number)
    row = sums.get(day, {"all_sent": 0, "all_verified": 0})
    return Bar(
        day=day,
        x=number * WIDTH,
        sent=row["all_sent"],
        verified=row["all_verified"],
        sent_height=round(row["all_sent"] * HEIGHT / highest),
        verified_height=round(row["all_verified"] * HEIGHT / highest),
    )
