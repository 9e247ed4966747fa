"""What is done before rows of ours go with their user, whatever code of whatever app deletes the user.

These are receivers of our own rows, which cascade. Those of a user model hear nothing of its proxies, and would cost
every user something. `QuerySet._raw_delete` and foreign keys with Django's `DB_CASCADE` send no signal.
"""

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from phone_referrals import statements
from phone_referrals.accounts import get_accounts, lock, provable_phone_of
from phone_referrals.exceptions import AccountDisabled
from phone_referrals.referrals import once
from phone_referrals.referrals.models import Referral, ReferralCode
from phone_referrals.signals import phone_left


@receiver(phone_left)
def remember_phone_that_was_left(*, user: Any, phone_number: str, is_deleted: bool = False, **kwargs: Any) -> None:
    once.remember(user, phone_number)
    if is_deleted:  # Of a row that the site keeps. Where it is gone, nobody points at it any more.
        Referral.objects.of(user).erase_codes()


@receiver(pre_delete, sender=Referral)
def remember_phone(*, sender: Any, instance: Referral, using: str, origin: Any = None, **kwargs: Any) -> None:
    """Keep that the phone of the invited user has redeemed."""
    if _goes_with_its_user(sender, origin):
        with suppress(AccountDisabled):  # Somebody else has deleted it a moment ago, and remembered then.
            user = lock(get_user_model()(pk=instance.pk), using=using)
            once.keep(provable_phone_of(user) or get_accounts().phone_of(user))


@receiver(pre_delete, sender=ReferralCode)
def forget_referrer(*, sender: Any, instance: ReferralCode, using: str, origin: Any = None, **kwargs: Any) -> None:
    """Take the user off the referrals that it made, and off them the texts of its codes, of which one may be a name.

    In one UPDATE, so that Django's own finds nothing to do: PostgreSQL checks the foreign keys of a row that one
    transaction changes twice, and two related users who were deleted at once waited for each other.
    """
    if _goes_with_its_user(sender, origin):
        with suppress(AccountDisabled):
            # Whoever enters the code at this moment comes before, and is seen, or after, and finds no owner.
            lock(get_user_model()(pk=instance.user_id), using=using)
        values = {"referrer": None, "code": ""}
        statements.update(Referral, using=using, where={"referrer": instance.user_id}, values=values)


def _goes_with_its_user(sender: Any, origin: Any) -> bool:
    """Return whether a row is deleted because of another one. To delete it by itself is to undo it: no duties then."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    return not issubclass(model, sender)
