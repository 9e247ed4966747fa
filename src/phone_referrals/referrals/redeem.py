"""Redeeming a referral code, for the API, the pages and sign-up alike."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from phone_referrals import signals
from phone_referrals.accounts import get_accounts
from phone_referrals.conf import conf
from phone_referrals.exceptions import AlreadyRedeemed, InvalidReferralCode, OwnCode, RedeemError, ReferralCodeExpired
from phone_referrals.referrals import codes, edges, once
from phone_referrals.referrals.models import Referral, ReferralCode


def redeem(user: AbstractBaseUser, code: str) -> Referral:
    """Make `user` the referred of the owner of `code`, in any spelling.

    Raises `InvalidReferralCode` (unknown and disabled alike), `OwnCode`, `AlreadyRedeemed`, `CircularReferral`,
    `ReferralCodeExpired`, `ReferralCodeExhausted`, `NotEligible` or `Busy`.
    """
    # Not from a replica, which may not know yet of an account that was deleted a moment ago.
    alias = router.db_for_write(Referral)
    phone_number = once.phone_of(user)
    referral_code = _find(code, phone_number, using=alias)
    if referral_code.user_id == user.pk:
        raise OwnCode
    if referral_code.expires_at and referral_code.expires_at <= timezone.now():
        raise ReferralCodeExpired
    for path in conf.redeem_rules:
        import_string(path)(user=user, referral_code=referral_code)
    if referral_code.phone_has_redeemed:
        raise AlreadyRedeemed
    referral = edges.write(user, referral_code, using=alias)
    # After the commit: if the user left the phone meanwhile, that request did not see the referral.
    transaction.on_commit(partial(once.remember_if_left, user, phone_number), using=alias)
    # Not `on_commit(…, robust=True)`: Django 5.2 fails on its own when it logs the failure of a `partial`.
    announce = partial(signals.referral_redeemed.send_robust, Referral, referral=referral)
    transaction.on_commit(announce, using=alias)
    return referral


def redeem_first(user: AbstractBaseUser, codes: Iterable[str]) -> Referral:
    """Redeem the first valid one of `codes`; raises the refusal of the first code that exists, or `Busy`."""
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
        found = ReferralCode.objects.using(using).enterable(folded, once.digests_of(phone_number))
        if found and get_accounts().may_sign_in(found.user):
            return found
    raise InvalidReferralCode
