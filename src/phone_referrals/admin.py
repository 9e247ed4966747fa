from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from phone_referrals import phones
from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage


class _ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """For rows that only the domain functions may write."""

    show_full_result_count = False

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(PhoneVerification)
class PhoneVerificationAdmin(_ReadOnlyAdmin):
    fields = ("masked_phone", "purpose", "code_expires_at", "wrong_guesses_since_success", "resend_at", "updated_at")
    list_display = ("masked_phone", "purpose", "wrong_guesses_since_success", "updated_at")

    @admin.display(description=_("phone number"))
    def masked_phone(self, verification: PhoneVerification) -> str:
        return phones.mask(verification.phone_number)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        # Without its row a phone would have its limits anew.
        return False


@admin.register(SmsUsage)
class SmsUsageAdmin(_ReadOnlyAdmin):
    list_display = ("day", "region", "slot", "sent", "verified", "failed")
    date_hierarchy = "day"


@admin.register(ReferralCode)
class ReferralCodeAdmin(_ReadOnlyAdmin):
    list_display = ("code", "user", "is_active", "is_disabled", "created_at")
    list_select_related = ("user",)
    search_fields = ("code",)


@admin.register(Referral)
class ReferralAdmin(_ReadOnlyAdmin):
    list_display = ("referred", "referrer", "code", "created_at")
    list_select_related = ("referred", "referrer")
    search_fields = ("code",)
