"""A phone redeems once, also when its account is deleted, or given another phone, in between.

The row of the redeemer says "once" while there is a redeemer. What is left of one who has gone is a keyed hash of the
phone: it answers whether a number that is held up to it has redeemed, and gives no number away.
"""

from typing import Any

from django.conf import settings
from django.db import router
from django.utils.crypto import salted_hmac

from phone_referrals.accounts import get_accounts
from phone_referrals.models import RedeemedPhone, Referral

SALT = "phone_referrals.referrals.once"


def remember(user: Any, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has. To be called before the user leaves it."""
    alias = router.db_for_write(Referral)
    if phone_number and Referral.objects.using(alias).filter(pk=user.pk).exists():
        row = RedeemedPhone(digest=_digest(phone_number, settings.SECRET_KEY))
        # Beside the referrals, whatever the router says of this table: it is read with them.
        RedeemedPhone.objects.using(alias).bulk_create([row], ignore_conflicts=True)


def digests_of(user: Any) -> list[str]:
    """Return the hashes under which the user's phone may be remembered: one for each secret, none without a phone."""
    phone_number = get_accounts().phone_of(user)
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_digest(phone_number, secret) for secret in secrets] if phone_number else []


def _digest(phone_number: str, secret: str | bytes) -> str:
    return salted_hmac(SALT, phone_number, secret=secret, algorithm="sha256").hexdigest()
