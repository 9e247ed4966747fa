"""Rules a host may switch on with `PHONE_REFERRALS_REDEEM_RULES`, and the shape of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from phone_referrals.exceptions import NotEligible
from phone_referrals.referrals.models import ReferralCode


@dataclass(frozen=True, kw_only=True)
class RedeemWithin:
    """Allows a code to be entered only in the first `days` after the user joined, as its `date_joined` says.

    A rule is named by a dotted path, so a host makes one (`first_month = RedeemWithin(days=30)`) and names it.
    """

    days: float

    def __call__(self, *, user: AbstractBaseUser, referral_code: ReferralCode) -> None:
        joined: datetime = user.date_joined  # type: ignore[attr-defined]
        if timezone.now() > joined + timedelta(days=self.days):
            raise NotEligible
