"""How many messages were sent and led to a sign-in, by day and region, and the ceilings on that.

A day is one of UTC. Each count is one `UPDATE … SET segments = segments + 2 WHERE … AND segments <= limit - 2`: a
request that changes no row has met the limit. So a ceiling holds exactly, however many send at once.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from math import ceil
from typing import Any

from django.db import router
from django.db.models import F, Q, QuerySet, Sum
from django.dispatch import Signal

from phone_referrals import phones, signals, statements
from phone_referrals.conf import conf
from phone_referrals.exceptions import SmsLimitReached
from phone_referrals.signin.models import SmsUsage

logger = logging.getLogger("phone_referrals")

ALL_REGIONS = ""
DAY = timedelta(days=1)

# A region's day is spread over as many rows (slots) as its ceiling needs, so that no row is hot. Measured on PostgreSQL
# with durable commits: one row carried about 720 updates a second, 16 rows about 3,100. A ceiling that gets another
# number of rows during a day is exact from the next day on.
SEGMENTS_PER_SLOT = 50_000
MOST_SLOTS = 16


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The place of a message in the ceilings, which it takes before it is sent; a `QueuedCode` keeps it as JSON."""

    segments: int
    rows: Sequence[tuple[str, str, int]]  # Day (ISO 8601), region and slot.

    def give_back(self, *, maybe_sent: bool) -> None:
        """Count the message as failed; one that the gateway may have sent after all stays counted as sent."""
        sent, segments = (0, 0) if maybe_sent else (1, self.segments)
        for row in self.rows:
            # Fewer, if somebody has emptied the table meanwhile.
            rows = _rows(*row).filter(sent__gte=sent, segments__gte=segments)
            _update(rows, failed=F("failed") + 1, sent=F("sent") - sent, segments=F("segments") - segments)


def reserve(phone_number: str, *, segments: int) -> Reservation:
    """Count a message that is about to be sent; raises `SmsLimitReached`."""
    now = datetime.now(UTC)
    rows: list[tuple[str, str, int]] = []
    regions = [phones.region_of(phone_number)]
    if _limit_of(ALL_REGIONS) is not None:
        regions.append(ALL_REGIONS)
    for region in regions:
        slot = _take(now.date(), region, phone_number, segments)
        if slot is None:
            for row in rows:
                _update(_rows(*row), sent=F("sent") - 1, segments=F("segments") - segments)
            midnight = datetime.combine(now.date() + DAY, time(), UTC)
            raise SmsLimitReached(retry_after=ceil((midnight - now).total_seconds()))
        rows.append((now.date().isoformat(), region, slot))
    return Reservation(segments=segments, rows=rows)


def ceiling_used(phone_number: str) -> float:
    """Return how much of today's ceilings is used, 0 to 1: that of the number's region or of all, the fuller one."""
    limits = {region: _limit_of(region) for region in (phones.region_of(phone_number), ALL_REGIONS)}
    rows = SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=datetime.now(UTC).date(), region__in=limits)
    used = dict(rows.values_list("region").annotate(Sum("segments")))
    shares = [used.get(region, 0) / limit if limit else 1.0 for region, limit in limits.items() if limit is not None]
    return min(1.0, max(shares, default=0.0))


def record_verified(phone_number: str) -> None:
    """Count a message that led to a sign-in."""
    day, region = datetime.now(UTC).date(), phones.region_of(phone_number)
    slot = int(phone_number[-4:]) % slots_of(region)
    row = {"day": day, "region": region, "slot": slot}
    # By the ORM this would be an eighth of a sign-in.
    if not statements.update(SmsUsage, using=router.db_for_write(SmsUsage), where=row, add={"verified": 1}):
        _add(day, region, slot, Q(), verified=1)


def slots_of(region: str) -> int:
    """Return the number of rows over which a region's day is spread.

    It is one where `PHONE_REFERRALS_MIN_CONVERSION` watches the region: shares of a few messages would pause by chance.
    """
    limit = _limit_of(region)
    if region != ALL_REGIONS and conf.min_conversion:
        return 1
    return MOST_SLOTS if limit is None else max(1, min(MOST_SLOTS, limit // SEGMENTS_PER_SLOT))


def _limit_of(region: str) -> int | None:
    """Return the segments that a region may be sent in a day; `None` is no ceiling."""
    limits = conf.sms_daily_limit
    return limits.get("total") if region == ALL_REGIONS else limits.get(region, limits["*"])


def _take(day: date, region: str, phone_number: str, segments: int) -> int | None:
    """Count one message in a slot that has room; return the slot, or `None` if none has room."""
    limit, watched = _limit_of(region), conf.min_conversion if region != ALL_REGIONS else None
    converting = _converting(region, *watched) if watched else Q()
    for slot, room in _slots_with_room(day, region, phone_number, segments):
        if _add(day, region, slot, room & converting, sent=1, segments=segments):
            return slot
        if watched and _rows(day, region, slot).filter(room).exists():
            text = "too few of its codes are entered (PHONE_REFERRALS_MIN_CONVERSION)"
            _report_once(day, region, "pause_reported", text, signals.sms_paused)
            return None
    setting = f'PHONE_REFERRALS_SMS_DAILY_LIMIT["{region or "total"}"]'
    text = f"the ceiling of {limit} segments a day is reached. If this is your own traffic, raise {setting}"
    _report_once(day, region, "limit_reported", text, signals.sms_limit_reached, limit=limit, setting=setting)
    return None


def _slots_with_room(day: date, region: str, phone_number: str, segments: int) -> Iterator[tuple[int, Q]]:
    """Yield the phone's own slot, then the others that are not full, each with the condition that it has room."""
    limit, slots = _limit_of(region), slots_of(region)
    home = int(phone_number[-4:]) % slots
    if limit is None:
        yield home, Q()
    else:
        # The first slots take the remainder.
        most = [limit // slots + (slot < limit % slots) - segments for slot in range(slots)]
        yield home, Q(segments__lte=most[home])
        rows = SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region)
        used = dict(rows.values_list("slot", "segments")) if slots > 1 else {}
        others = [(home + step) % slots for step in range(1, slots)]
        yield from ((slot, Q(segments__lte=most[slot])) for slot in others if used.get(slot, 0) <= most[slot])


def _converting(region: str, least: int, share: float) -> Q:
    """Return the condition that a `share` of the last 24 hours' messages led to a sign-in, or that they are too few.

    Rows count whole days, so yesterday weighs as much as its share of the last 24 hours.
    """
    now = datetime.now(UTC)
    weight = 1 - (now - datetime.combine(now.date(), time(), UTC)) / DAY
    yesterday = _rows(now.date() - DAY, region, 0).values_list("sent", "verified").first() or (0, 0)
    sent, verified = (weight * count for count in yesterday)
    return Q(sent__lt=least - sent) | Q(verified__gte=(F("sent") + sent) * share - verified)


def _report_once(day: date, region: str, flag: str, text: str, signal: Signal, **details: Any) -> None:
    """Log and signal, once for each day and region: the request that raises the flag does it."""
    if _update(_rows(day, region, 0).filter(**{flag: False}), **{flag: True}):
        logger.error("No more SMS to %s: %s.", f"region {region}" if region else "any region", text)
        signal.send_robust(SmsUsage, region=region, **details)


def _add(day: date, region: str, slot: int, condition: Q, **counts: int) -> bool:
    """Add to the counts of a row, if it is as `condition` says. The first message of a day makes the row."""
    rows, added = _rows(day, region, slot), {name: F(name) + number for name, number in counts.items()}
    if _update(rows.filter(condition), **added):
        return True
    if not rows.exists():
        # Another request may be creating it: one of the two is ignored.
        statements.insert(SmsUsage(day=day, region=region, slot=slot), using=rows.db)
    return _update(rows.filter(condition), **added)


def _rows(day: date | str, region: str, slot: int) -> QuerySet[SmsUsage]:
    return SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region, slot=slot)


def _update(rows: QuerySet[SmsUsage], **values: Any) -> bool:
    return bool(statements.retried(partial(rows.update, **values), using=rows.db))
