"""The admin: what staff may see and do. `PhoneUserAdminMixin` is for the host's own `UserAdmin`."""

from phone_referrals.admin.referrals import ReferralAdmin, ReferralCodeAdmin
from phone_referrals.admin.signin import PhoneVerificationAdmin, SmsUsageAdmin
from phone_referrals.admin.users import PhoneUserAdminMixin

__all__ = ["PhoneUserAdminMixin", "PhoneVerificationAdmin", "ReferralAdmin", "ReferralCodeAdmin", "SmsUsageAdmin"]
