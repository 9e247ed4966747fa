"""The models of both halves, where Django looks for them."""

from phone_referrals.referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.signin.models import PhoneVerification, QueuedCode, SmsUsage
from phone_referrals.tokens.models import UserSession

__all__ = ["PhoneVerification", "QueuedCode", "RedeemedPhone", "Referral", "ReferralCode", "SmsUsage", "UserSession"]
