"""The limits as everybody writes them first: read, check, write. The races are known to bite, because these lose them.

Each takes the place of one function of the package. The pause stands for a slow moment between reading and writing,
which a busy server has and a test machine seldom does.
"""

from datetime import UTC

from django.db.models import F
from django.utils import timezone

from phone_referrals.conf import conf
from phone_referrals.models import SmsUsage
from phone_referrals.signin import usage
from tests.races.naive import pause


def usage_of(region):
    row, _ = SmsUsage.objects.get_or_create(day=timezone.now().astimezone(UTC).date(), region=region, slot=0)
    return row


def has_room(row, segments):
    limit = usage._limit_of(row.region)
    return limit is None or row.segments + segments <= limit


def take(day, region, phone_number, segments):
    """As `signin.usage._take`, of one slot and one day."""
    row = usage_of(region)
    least, share = conf.min_conversion or (None, 0)
    is_paused = region and least and row.sent >= least and row.verified < row.sent * share
    if is_paused or not has_room(row, segments):
        return None
    pause()
    SmsUsage.objects.filter(pk=row.pk).update(sent=row.sent + 1, segments=row.segments + segments)
    return 0


def take_counting_well(day, region, phone_number, segments):
    """As `take`; what it adds it adds in the database, but still checks before."""
    row = usage_of(region)
    if not has_room(row, segments):
        return None
    pause()
    SmsUsage.objects.filter(pk=row.pk).update(sent=F("sent") + 1, segments=F("segments") + segments)
    return 0


def give_back(reservation, *, maybe_sent):
    """As `signin.usage.Reservation.give_back`."""
    for day, region, slot in reservation.rows:
        row = SmsUsage.objects.get(day=day, region=region, slot=slot)
        pause()
        SmsUsage.objects.filter(pk=row.pk).update(failed=row.failed + 1, sent=row.sent - (0 if maybe_sent else 1))


def record_verified(phone_number):
    """As `signin.usage.record_verified`."""
    row = usage_of("US")
    pause()
    SmsUsage.objects.filter(pk=row.pk).update(verified=row.verified + 1)


def report_once(day, region, flag, text, signal, **details):
    """As `signin.usage._report_once`."""
    row = usage_of(region)
    if not getattr(row, flag):
        pause()
        usage.logger.error("No more SMS today")
        signal.send_robust(SmsUsage, region=region, **details)
        SmsUsage.objects.filter(pk=row.pk).update(**{flag: True})
