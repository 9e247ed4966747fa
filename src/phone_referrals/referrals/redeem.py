"""Entering a referral code: the one way in, for the API, the pages and sign-up."""

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

from django.db import models, router, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from phone_referrals import signals, statements
from phone_referrals.accounts import get_accounts
from phone_referrals.conf import conf
from phone_referrals.exceptions import AlreadyRedeemed, InvalidReferralCode, OwnCode, RedeemError, ReferralCodeExpired
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals import codes, edges, once


def redeem(user: Any, code: str) -> Referral:
    """Make `user` the referred of the owner of `code`, in any spelling.

    Raises `InvalidReferralCode` (unknown and disabled alike), `OwnCode`, `AlreadyRedeemed`, `CircularReferral`,
    `ReferralCodeExpired`, `ReferralCodeExhausted`, `NotEligible` or `Busy`.
    """
    # Not from a replica, which may not know yet of an account that was deleted a moment ago.
    alias = router.db_for_write(Referral)
    phone_number = get_accounts().phone_of(user)
    referral_code = _find(code, phone_number, using=alias)
    if referral_code.user_id == user.pk:
        raise OwnCode
    if referral_code.expires_at and referral_code.expires_at <= timezone.now():
        raise ReferralCodeExpired
    for path in conf.redeem_rules:
        import_string(path)(user=user, referral_code=referral_code)
    if referral_code.phone_has_redeemed:
        raise AlreadyRedeemed
    # Whom nobody invited is the root; else the way up begins there.
    root = referral_code.user_id if referral_code.owners_referrer is None else None
    referral = edges.write(user, referral_code, root=root, using=alias)
    # Once committed: whoever has left the phone meanwhile did not see the referral, and has not remembered it.
    transaction.on_commit(partial(once.remember_if_left, user, phone_number), using=alias)
    # Not `on_commit(…, robust=True)`: Django 5.2 fails on its own when it logs the failure of a `partial`.
    announce = partial(signals.referral_redeemed.send_robust, Referral, referral=referral)
    transaction.on_commit(announce, using=alias)
    return referral


def redeem_first(user: Any, codes: Iterable[str]) -> Referral:
    """Redeem the first of `codes` that is valid; raises why the first that there is was refused, or `Busy`."""
    refusal: RedeemError = InvalidReferralCode()
    for code in codes:
        try:
            return redeem(user, code)
        except RedeemError as error:
            refusal = error if isinstance(refusal, InvalidReferralCode) else refusal
    raise refusal


def _find(code: str, phone_number: str, *, using: str) -> Any:
    """Return the code that may be entered, and with it `phone_has_redeemed` and `owners_referrer`."""
    folded = codes.read(code)
    if folded:
        digests = once.digests_of(phone_number)
        parameters = {"$code": folded, **{f"$digest {number}": digest for number, digest in enumerate(digests)}}
        found = _select(using, len(digests), conf.accounts).one(parameters)
        if found:
            may_sign_in = getattr(found, "owner_may_sign_in", None)
            if get_accounts().may_sign_in(found.user) if may_sign_in is None else may_sign_in:
                return found
    raise InvalidReferralCode


@lru_cache
def _select(using: str, digests: int, *_settings: str) -> statements.Select:
    """Return the SELECT of a code that may be entered, with all that decides on it.

    Subqueries, not joins: to plan those takes PostgreSQL longer than to run them.
    """
    places, owner = [f"$digest {number}" for number in range(digests)], models.OuterRef("user")
    facts: dict[str, Any] = {
        "phone_has_redeemed": models.Exists(RedeemedPhone.objects.filter(pk__in=places)),
        "owners_referrer": models.Subquery(Referral.objects.filter(pk=owner).values("referrer")),
    }
    condition = get_accounts().may_sign_in_by_row("user")
    if condition is not None:
        facts["owner_may_sign_in"] = condition
    return statements.Select(ReferralCode.objects.enabled().annotate(**facts).filter(code="$code"), using=using)
