"""How many messages were sent and led to a sign-in, by day and region, and the ceilings on that.

Each count is one `UPDATE … SET sent = sent + 1 WHERE … AND sent < limit`: whoever changes no row has met the limit. So
a ceiling holds exactly, however many send at once.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from math import ceil

from django.db import router
from django.db.models import F, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from phone_referrals import phones, signals, statements
from phone_referrals.conf import conf
from phone_referrals.exceptions import SmsLimitReached
from phone_referrals.models import SmsUsage
from phone_referrals.signin.codes import DAY

logger = logging.getLogger("phone_referrals")

ALL_REGIONS = ""
Key = tuple[date, str, int]


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The rows in which a message was counted before it was sent, by day (ISO 8601), region and slot."""

    rows: Sequence[tuple[str, str, int]]  # As JSON, for a message that waits in the queue.

    def give_back(self, *, maybe_sent: bool) -> None:
        """Count the message as failed; one that the gateway may have sent after all stays counted as sent."""
        for day, region, slot in self.rows:
            sent = 0 if maybe_sent else 1
            # Fewer, if somebody has emptied the table meanwhile.
            rows = _rows(date.fromisoformat(day), region, slot).filter(sent__gte=sent)
            rows.update(failed=F("failed") + 1, sent=F("sent") - sent)


def reserve(phone_number: str) -> Reservation:
    """Count a message that is about to be sent; raises `SmsLimitReached`."""
    day, region, home = _today(), phones.region_of(phone_number), _slot_of(phone_number)
    slot = _take(day, region, home, conf.sms_daily_limit_by_region.get(region), watch_conversion=True)
    if slot is None:
        raise _refusal()
    regional = (day.isoformat(), region, slot)
    if conf.sms_daily_limit is None:
        return Reservation(rows=[regional])
    total = _take(day, ALL_REGIONS, home, conf.sms_daily_limit, watch_conversion=False)
    if total is None:
        _rows(day, region, slot).update(sent=F("sent") - 1)
        raise _refusal()
    return Reservation(rows=[regional, (day.isoformat(), ALL_REGIONS, total)])


def record_verified(phone_number: str) -> None:
    """Count a message that led to a sign-in."""
    key = _today(), phones.region_of(phone_number), _slot_of(phone_number)
    if not _count(key, "verified"):
        _create(*key)
        _count(key, "verified")


def _take(day: date, region: str, home: int, limit: int | None, *, watch_conversion: bool) -> int | None:
    """Count one message in a slot that has room; return the slot, or `None` if none has room."""
    converting = _converting(region, home, *conf.min_conversion) if watch_conversion and conf.min_conversion else None
    for slot in _slots_with_room(day, region, home, limit):
        key = day, region, slot
        room = None if limit is None else _share(limit, slot)
        if _count(key, "sent", room, converting):
            return slot
        # The first messages of a day to a region find no row, and one of them makes it: look again in any case.
        _create(*key)
        if _count(key, "sent", room, converting):
            return slot
        if converting and _with_room(_rows(*key), room).exists():
            _report_once(region, "pause_reported", signals.sms_paused)
            return None
    _report_once(region, "limit_reported", signals.sms_limit_reached, limit=limit)
    return None


def _slots_with_room(day: date, region: str, home: int, limit: int | None) -> Iterator[int]:
    """Yield `home`, and then the others that are not full, which one look tells."""
    yield home
    slots = conf.sms_usage_slots
    if limit is not None and slots > 1:
        rows = SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region)
        sent = dict(rows.values_list("slot", "sent"))
        others = [(home + step) % slots for step in range(1, slots)]
        yield from [slot for slot in others if sent.get(slot, 0) < _share(limit, slot)]


def _count(key: Key, what: str, room: int | None = None, condition: Q | None = None) -> bool:
    """Count one more in a row, if there is one, and if there were fewer than there is `room` for."""
    if condition:
        return bool(_with_room(_rows(*key), room).filter(condition).update(**{what: F(what) + 1}))
    where = dict(zip(("day", "region", "slot"), key, strict=True))
    return statements.update(SmsUsage, using=router.db_for_write(SmsUsage), where=where, increment=what, below=room)


def _with_room(rows: QuerySet[SmsUsage], room: int | None) -> QuerySet[SmsUsage]:
    return rows if room is None else rows.filter(sent__lt=room)


def _converting(region: str, slot: int, least: int, share: float) -> Q:
    """Return the condition that a `share` of the last 24 hours' messages led to a sign-in, or that they are too few.

    Days are what is counted, so yesterday weighs as much as of it lies within the last 24 hours. A phone's messages and
    sign-ins are in the same slot; each slot is a fair sample of the phones.
    """
    now = timezone.now().astimezone(UTC)
    weight = 1 - (now - datetime.combine(now.date(), time(), UTC)) / DAY
    yesterday = _rows(now.date() - DAY, region, slot).values_list("sent", "verified").first() or (0, 0)
    sent, verified = (weight * count for count in yesterday)
    return Q(sent__lt=_share(least, slot) - sent) | Q(verified__gte=(F("sent") + sent) * share - verified)


def _share(number: int, slot: int) -> int:
    """Return a slot's share of a number; the first slots have what does not divide."""
    slots = conf.sms_usage_slots
    return number // slots + (slot < number % slots)


def _report_once(region: str, flag: str, signal: Signal, **details: int | None) -> None:
    """Log and signal, once for each day and region: whoever raises the flag does it."""
    key = _today(), region, 0
    _create(*key)
    if _rows(*key).filter(**{flag: False}).update(**{flag: True}):
        logger.error("No more SMS today: %s, region %s %s", flag.removesuffix("_reported"), region or "(all)", details)
        signal.send_robust(SmsUsage, region=region, **details)


def _refusal() -> SmsLimitReached:
    now = timezone.now().astimezone(UTC)
    midnight = datetime.combine(now.date() + DAY, time(), UTC)
    return SmsLimitReached(retry_after=ceil((midnight - now).total_seconds()))


def _rows(day: date, region: str, slot: int) -> QuerySet[SmsUsage]:
    return SmsUsage.objects.using(router.db_for_write(SmsUsage)).filter(day=day, region=region, slot=slot)


def _create(day: date, region: str, slot: int) -> None:
    """Create the row if it is missing."""
    rows = _rows(day, region, slot)
    if not rows.exists():
        # Another request may be creating it: one of the two is ignored.
        rows.bulk_create([SmsUsage(day=day, region=region, slot=slot)], ignore_conflicts=True)


def _slot_of(phone_number: str) -> int:
    digest = blake2b(phone_number.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % conf.sms_usage_slots


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
