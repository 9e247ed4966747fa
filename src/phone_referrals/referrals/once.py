"""A phone redeems once, also when its account is deleted, or given another phone, in between.

The row of the redeemer says "once" while there is a redeemer. Afterwards a keyed hash of the phone is left: it tells
whether a given number has redeemed, and gives no number away.
"""

from typing import Any

from django.conf import settings
from django.db import router
from django.utils.crypto import salted_hmac

from phone_referrals import statements
from phone_referrals.accounts import get_accounts
from phone_referrals.referrals.models import RedeemedPhone, Referral

SALT = "phone_referrals.referrals.once"


def remember(user: Any, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has. To be called before the user leaves it."""
    if Referral.objects.using(router.db_for_write(Referral)).filter(pk=user.pk).exists():
        keep(phone_number)


def remember_if_left(user: Any, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has left it since it was read. To be called once that is committed.

    Whoever changes the phone, or deletes the user, after the commit sees the referral, and remembers; whoever did it
    before is seen here.
    """
    holder = get_accounts().find(phone_number) if phone_number else user
    if holder is None or holder.pk != user.pk:
        keep(phone_number)


def digests_of(phone_number: str) -> list[str]:
    """Return the hashes under which a phone may be remembered: one for each secret, none without a phone."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_digest(phone_number, secret) for secret in secrets] if phone_number else []


def keep(phone_number: str) -> None:
    """Keep that the phone has redeemed, if it is one."""
    if phone_number:
        row = RedeemedPhone(digest=_digest(phone_number, settings.SECRET_KEY))
        # Beside the referrals, whatever the router says of this table: it is read with them.
        statements.insert(row, using=router.db_for_write(Referral))


def _digest(phone_number: str, secret: str | bytes) -> str:
    return salted_hmac(SALT, phone_number, secret=secret, algorithm="sha256").hexdigest()
