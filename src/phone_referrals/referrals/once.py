"""A phone redeems once, also when its account is deleted, or given another phone, in between.

The referral of a user says "once" while there is a user. Afterwards a keyed hash of the phone is left: it tells
whether a given number has redeemed, and gives no number away.

The receivers of `pre_delete` listen to our own rows, which cascade: receivers of a user model hear nothing of its
proxies, and would cost every user something. `QuerySet._raw_delete` and Django's `DB_CASCADE` send no signal.
"""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.db.models import Model, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from phone_referrals import halves, statements
from phone_referrals.accounts import get_accounts, lock, provable_phone_of
from phone_referrals.exceptions import AccountDisabled
from phone_referrals.referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.signals import phone_left

SALT = "phone_referrals.referrals.once"


def digests_of(phone_number: str) -> list[str]:
    """Return the hashes under which a phone may be remembered: one for each secret, none without a phone."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_digest(phone_number, secret) for secret in secrets] if phone_number else []


def phone_of(user: AbstractBaseUser) -> str:
    """Return the phone that a user has proven: without sign-in by phone, a column of that name is any text."""
    return get_accounts().phone_of(user) if halves.on("signin") else ""


def remember(user: AbstractBaseUser, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has. Call it before the user leaves the phone."""
    if Referral.objects.using(router.db_for_write(Referral)).filter(pk=user.pk).exists():
        _keep(phone_number)


def remember_if_left(user: AbstractBaseUser, phone_number: str) -> None:
    """Keep that the phone has redeemed, if `user` has left it since it was read. Call it after the commit.

    A change of phone or a deletion after the commit sees the referral, and remembers. One before it is seen here.
    """
    holder = get_accounts().find(phone_number) if phone_number else user
    if holder is None or holder.pk != user.pk:
        _keep(phone_number)


def _keep(phone_number: str) -> None:
    if phone_number:
        row = RedeemedPhone(digest=_digest(phone_number, settings.SECRET_KEY))
        # Beside the referrals, whatever the router says of this table: it is read with them.
        statements.insert(row, using=router.db_for_write(Referral))


def _digest(phone_number: str, secret: str | bytes) -> str:
    return salted_hmac(SALT, phone_number, secret=secret, algorithm="sha256").hexdigest()


@receiver(phone_left)
def _remember_phone_left(user: AbstractBaseUser, phone_number: str, is_deleted: bool = False, **kwargs: Any) -> None:  # noqa: FBT001, FBT002
    remember(user, phone_number)
    if is_deleted:  # The site keeps the row. Where the row is deleted, no referral points at it any more.
        Referral.objects.of(user).erase_codes()
        ReferralCode.objects.filter(user=user.pk).update(is_disabled=True)


@receiver(pre_delete, sender=Referral)
def _remember_phone_of(sender: type[Model], instance: Referral, using: str, origin: Any = None, **kwargs: Any) -> None:
    """Keep that the phone of the invited user has redeemed."""
    if _goes_with_its_user(sender, origin):
        with suppress(AccountDisabled):  # Another request has deleted the user a moment ago, and remembered then.
            user = lock(get_user_model()(pk=instance.pk), using=using)
            _keep((provable_phone_of(user) or phone_of(user)) if halves.on("signin") else "")


@receiver(pre_delete, sender=ReferralCode)
def _forget_referrer(
    sender: type[Model], instance: ReferralCode, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Empty the referrer and the code of the referrals that the user made: a code may be a name.

    In one UPDATE, so that Django's own finds nothing to do: PostgreSQL checks the foreign keys of a row that one
    transaction changes twice, and two related users who were deleted at once waited for each other.
    """
    if _goes_with_its_user(sender, origin):
        with suppress(AccountDisabled):
            # A redeemer of the code either came before, and is seen, or comes after, and finds no owner.
            lock(get_user_model()(pk=instance.user_id), using=using)
        values = {"referrer": None, "code": ""}
        statements.update(Referral, using=using, where={"referrer": instance.user_id}, values=values)


def _goes_with_its_user(sender: type[Model], origin: Any) -> bool:
    """Return whether a row is deleted because of another one. Deleting it by itself undoes it, without these duties."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    return not issubclass(model, sender)
