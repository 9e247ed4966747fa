"""How many messages were sent and led to a sign-in, by day and region, and the ceilings on that.

A day is one of UTC. Each count is one `UPDATE … SET segments = segments + 2 WHERE … AND segments <= limit - 2`: a
request that changes no row has met the limit. So a ceiling holds exactly, however many send at once.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from hashlib import blake2b
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
Key = tuple[date, str, int]


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The place of a message in the ceilings, which it takes before it is sent; a `QueuedCode` keeps it as JSON."""

    segments: int
    rows: Sequence[tuple[str, str, int]]  # Day (ISO 8601), region and slot.

    def give_back(self, *, maybe_sent: bool) -> None:
        """Count the message as failed; one that the gateway may have sent after all stays counted as sent."""
        sent, segments = (0, 0) if maybe_sent else (1, self.segments)
        for day, region, slot in self.rows:
            # Fewer, if somebody has emptied the table meanwhile.
            rows = _rows(date.fromisoformat(day), region, slot).filter(sent__gte=sent, segments__gte=segments)
            _update(rows, failed=F("failed") + 1, sent=F("sent") - sent, segments=F("segments") - segments)


def reserve(phone_number: str, *, segments: int) -> Reservation:
    """Count a message that is about to be sent; raises `SmsLimitReached`."""
    day, region, home = _today(), phones.region_of(phone_number), _slot_of(phone_number)
    slot = _take(day, region, home, segments, watch_conversion=True)
    if slot is None:
        raise _refusal()
    regional = (day.isoformat(), region, slot)
    if _limit_of(ALL_REGIONS) is None:
        return Reservation(segments=segments, rows=[regional])
    total = _take(day, ALL_REGIONS, home, segments, watch_conversion=False)
    if total is None:
        _update(_rows(day, region, slot), sent=F("sent") - 1, segments=F("segments") - segments)
        raise _refusal()
    return Reservation(segments=segments, rows=[regional, (day.isoformat(), ALL_REGIONS, total)])


def ceiling_used(phone_number: str) -> float:
    """Return how much of today's ceilings is used, 0 to 1: that of the number's region or of all, the fuller one."""
    limits = {region: _limit_of(region) for region in (phones.region_of(phone_number), ALL_REGIONS)}
    rows = SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=_today(), region__in=limits)
    used = dict(rows.values_list("region").annotate(Sum("segments")))
    shares = [used.get(region, 0) / limit if limit else 1.0 for region, limit in limits.items() if limit is not None]
    return min(1.0, max(shares, default=0.0))


def record_verified(phone_number: str) -> None:
    """Count a message that led to a sign-in."""
    key = _today(), phones.region_of(phone_number), _slot_of(phone_number)
    if not _count(key, {"verified": 1}):
        _create(*key)
        _count(key, {"verified": 1})


def _limit_of(region: str) -> int | None:
    """Return the segments that a region may be sent in a day; `None` is no ceiling."""
    limits = conf.sms_daily_limit
    return limits.get("total") if region == ALL_REGIONS else limits.get(region, limits["*"])


def _take(day: date, region: str, home: int, segments: int, *, watch_conversion: bool) -> int | None:
    """Count one message in a slot that has room; return the slot, or `None` if none has room."""
    limit, message = _limit_of(region), {"sent": 1, "segments": segments}
    converting = _converting(region, home, *conf.min_conversion) if watch_conversion and conf.min_conversion else None
    for slot in _slots_with_room(day, region, home, limit, segments):
        key = day, region, slot
        most = None if limit is None else _share(limit, slot) - segments
        if _count(key, message, most, converting):
            return slot
        # The first messages of a day to a region find no row, and one of them makes it: look again in any case.
        _create(*key)
        if _count(key, message, most, converting):
            return slot
        if converting and _with_room(_rows(*key), most).exists():
            text = "too few of its codes are entered (PHONE_REFERRALS_MIN_CONVERSION)"
            _report_once(region, "pause_reported", text, signals.sms_paused)
            return None
    setting = f'PHONE_REFERRALS_SMS_DAILY_LIMIT["{region or "total"}"]'
    text = f"the ceiling of {limit} segments a day is reached. If this is your own traffic, raise {setting}"
    _report_once(region, "limit_reported", text, signals.sms_limit_reached, limit=limit, setting=setting)
    return None


def _slots_with_room(day: date, region: str, home: int, limit: int | None, segments: int) -> Iterator[int]:
    """Yield `home`, and then the others that are not full, which one look tells."""
    yield home
    slots = conf.sms_usage_slots
    if limit is not None and slots > 1:
        rows = SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region)
        used = dict(rows.values_list("slot", "segments"))
        others = [(home + step) % slots for step in range(1, slots)]
        yield from [slot for slot in others if used.get(slot, 0) <= _share(limit, slot) - segments]


def _count(key: Key, counts: Mapping[str, int], most: int | None = None, condition: Q | None = None) -> bool:
    """Add to a row, if there is one, and if it had no more segments than `most`."""
    if condition:
        added = {name: F(name) + number for name, number in counts.items()}
        return _update(_with_room(_rows(*key), most).filter(condition), **added)
    where = dict(zip(("day", "region", "slot"), key, strict=True))
    at_most = None if most is None else {"segments": most}
    return statements.update(SmsUsage, using=router.db_for_write(SmsUsage), where=where, add=counts, at_most=at_most)


def _with_room(rows: QuerySet[SmsUsage], most: int | None) -> QuerySet[SmsUsage]:
    return rows if most is None else rows.filter(segments__lte=most)


def _converting(region: str, slot: int, least: int, share: float) -> Q:
    """Return the condition that a `share` of the last 24 hours' messages led to a sign-in, or that they are too few.

    Days are what is counted, so yesterday weighs as much as of it lies within the last 24 hours. A phone's messages and
    sign-ins are in the same slot; each slot is a fair sample of the phones.
    """
    now = datetime.now(UTC)
    weight = 1 - (now - datetime.combine(now.date(), time(), UTC)) / DAY
    yesterday = _rows(now.date() - DAY, region, slot).values_list("sent", "verified").first() or (0, 0)
    sent, verified = (weight * count for count in yesterday)
    return Q(sent__lt=_share(least, slot) - sent) | Q(verified__gte=(F("sent") + sent) * share - verified)


def _share(number: int, slot: int) -> int:
    """Return a slot's share of a number; the first slots have what does not divide."""
    slots = conf.sms_usage_slots
    return number // slots + (slot < number % slots)


def _report_once(region: str, flag: str, text: str, signal: Signal, **details: Any) -> None:
    """Log and signal, once for each day and region: the request that raises the flag does it."""
    key = _today(), region, 0
    _create(*key)
    if _update(_rows(*key).filter(**{flag: False}), **{flag: True}):
        logger.error("No more SMS to %s: %s.", f"region {region}" if region else "any region", text)
        signal.send_robust(SmsUsage, region=region, **details)


def _refusal() -> SmsLimitReached:
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + DAY, time(), UTC)
    return SmsLimitReached(retry_after=ceil((midnight - now).total_seconds()))


def _rows(day: date, region: str, slot: int) -> QuerySet[SmsUsage]:
    return SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region, slot=slot)


def _create(day: date, region: str, slot: int) -> None:
    """Create the row if it is missing."""
    rows = _rows(day, region, slot)
    if not rows.exists():
        # Another request may be creating it: one of the two is ignored.
        statements.insert(SmsUsage(day=day, region=region, slot=slot), using=rows.db)


def _update(rows: QuerySet[SmsUsage], **values: Any) -> bool:
    return bool(statements.retried(partial(rows.update, **values), using=rows.db))


def _slot_of(phone_number: str) -> int:
    digest = blake2b(phone_number.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % conf.sms_usage_slots


def _today() -> date:
    return datetime.now(UTC).date()
