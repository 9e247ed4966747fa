from datetime import date

import pytest

from phone_referrals.models import SmsUsage
from phone_referrals.signin.chart import HEIGHT, draw

pytestmark = pytest.mark.django_db


def add(day, region="US", slot=0, sent=0, verified=0):
    SmsUsage.objects.create(day=date(2026, 11, day), region=region, slot=slot, sent=sent, verified=verified)


def test_regions_and_slots_of_a_day_are_added_up():
    add(20, sent=3, verified=1)
    add(20, slot=1, sent=2, verified=1)
    add(20, region="CA", sent=5, verified=4)
    last = draw(SmsUsage.objects.all()).bars[-1]
    assert (last.day, last.sent, last.verified) == (date(2026, 11, 20), 10, 6)


def test_what_counts_all_regions_is_not_counted_twice():
    add(20, region="", sent=5)
    add(20, sent=5)
    assert draw(SmsUsage.objects.all()).bars[-1].sent == 5
    assert draw(SmsUsage.objects.filter(region="")).bars[-1].sent == 5


def test_thirty_days_are_shown_with_empty_ones():
    add(1, sent=10)
    add(20, sent=5)
    SmsUsage.objects.create(day=date(2026, 9, 1), region="US", sent=1000)
    chart = draw(SmsUsage.objects.all())
    assert [bar.sent for bar in chart.bars] == [0] * 10 + [10] + [0] * 18 + [5]
    assert chart.highest == 10


def test_the_highest_bar_fills_the_height_and_none_is_higher():
    # Codes of yesterday's messages may be entered today.
    add(19, sent=10)
    add(20, sent=4, verified=20)
    bars = draw(SmsUsage.objects.all()).bars
    assert bars[-1].verified_height == HEIGHT
    assert bars[-1].verified_y == 0
    assert (bars[-2].sent_height, bars[-2].sent_y) == (HEIGHT // 2, HEIGHT // 2)


def test_nothing_is_drawn_of_nothing_and_zeros_are_flat():
    assert draw(SmsUsage.objects.all()) is None
    add(20)
    assert {bar.sent_height for bar in draw(SmsUsage.objects.all()).bars} == {0}
