"""Crowds for the tests of lists: users without a phone, made in one statement."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from phone_referrals.models import Referral


def add_users(count):
    return get_user_model().objects.bulk_create([get_user_model()() for _ in range(count)])


def add_invitees(referrer, count, *, minutes_between=1):
    """Add invitees of `referrer`; return their keys, newest first, as the lists show them."""
    now = timezone.now()
    referrals = Referral.objects.bulk_create(
        Referral(
            referrer=referrer, referred=user, code="TESTS", created_at=now + number * timedelta(minutes=minutes_between)
        )
        for number, user in enumerate(add_users(count))
    )
    return [referral.pk for referral in sorted(referrals, key=lambda each: (each.created_at, each.pk), reverse=True)]
