"""A phone redeems once, also when its account is deleted, or given another phone, in between.

The row of the redeemer says "once" while there is a redeemer. What is left of one who has gone is a keyed hash of the
phone: it answers whether a number that is held up to it has redeemed, and gives no number away.
"""

from typing import Any

from django.conf import settings
from django.db import router
from django.utils.crypto import salted_hmac

from phone_referrals import statements
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import AlreadyRedeemed
from phone_referrals.models import RedeemedPhone, Referral

SALT = "phone_referrals.referrals.once"


def remember(user: Any, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has. To be called before the user leaves it."""
    if phone_number and Referral.objects.using(router.db_for_write(Referral)).filter(pk=user.pk).exists():
        row = RedeemedPhone(digest=_digest(phone_number, settings.SECRET_KEY))
        RedeemedPhone.objects.bulk_create([row], ignore_conflicts=True)


def require_first(user: Any) -> None:
    """Raise `AlreadyRedeemed` if a user before this one has redeemed with the same phone."""
    phone_number = get_accounts().phone_of(user)
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [_digest(phone_number, secret) for secret in secrets] if phone_number else []
    # Not from a replica, which may not know yet of an account that was deleted a moment ago.
    alias = router.db_for_write(RedeemedPhone)
    if digests and statements.by_key(RedeemedPhone, ["digest"], using=alias, keys=digests):
        raise AlreadyRedeemed


def _digest(phone_number: str, secret: str | bytes) -> str:
    return salted_hmac(SALT, phone_number, secret=secret, algorithm="sha256").hexdigest()
