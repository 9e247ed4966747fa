"""Signing in, or up, and entering a referral code on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.referrals.redeem import redeem_first
from phone_referrals.signin import sign_in as alone


@dataclass(frozen=True, kw_only=True)
class SignedIn(alone.SignedIn):
    """A sign-in and what became of the referral code: `refusal` is why it was not redeemed."""

    redeemed: bool = False
    refusal: PhoneReferralsError | None = None

    @property
    def referral(self) -> dict[str, Any] | None:
        """The answer about the referral code; `None` where none was entered."""
        if self.refusal:
            return {"redeemed": False, "code": self.refusal.code, "detail": self.refusal.message}
        return {"redeemed": True, "code": None, "detail": None} if self.redeemed else None


@sensitive_variables()
def sign_in(*, referral_code: str = "", invites: Sequence[str] = (), **proof: Any) -> SignedIn:
    """Do what `signin.sign_in.sign_in` does with `proof`, and redeem.

    A new user redeems the first valid one of `invites`, the codes of links that were followed, where `referral_code` is
    empty. A problem with a referral code is told in the result and costs nothing.
    """
    signed_in = vars(alone.sign_in(**proof))
    codes = [referral_code] if referral_code else invites if signed_in["created"] else ()
    if not codes:
        return SignedIn(**signed_in)
    try:
        redeem_first(signed_in["user"], codes)
    except PhoneReferralsError as refusal:
        return SignedIn(**signed_in, refusal=refusal)
    return SignedIn(**signed_in, redeemed=True)
