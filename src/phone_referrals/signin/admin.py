"""Sign-in in the admin: the limits of phones, and the messages sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Max, QuerySet, Sum
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from phone_referrals import phones
from phone_referrals.admin_lists import ListAdmin, phone_in
from phone_referrals.signin.models import PhoneVerification, SmsUsage

CHART_DAYS = 30


@admin.register(PhoneVerification)
class PhoneVerificationAdmin(ListAdmin):
    half = "signin"
    fields = ("masked_phone", "purpose", "expires_at", "wrong_guesses_since_success", "next_message_at", "changed_at")
    list_display = ("masked_phone", "purpose", "wrong_guesses_since_success", "changed_at")
    search_fields = ("phone_number",)
    search_help_text = _("A whole phone number, in any spelling.")
    actions = ("clear_limits",)

    @admin.display(description=_("phone number"))
    def masked_phone(self, verification: PhoneVerification) -> str:
        return phones.mask(verification.phone_number)

    @admin.display(description=_("code expires at"))
    def expires_at(self, verification: PhoneVerification) -> str:
        return _local(verification.code_expires_at)

    @admin.display(description=_("next message from"))
    def next_message_at(self, verification: PhoneVerification) -> str:
        return _local(verification.resend_at)

    @admin.display(description=_("updated at"))
    def changed_at(self, verification: PhoneVerification) -> str:
        return _local(verification.updated_at)

    @admin.action(description=_("Clear the limits of the selected phones"), permissions=["clear"])
    def clear_limits(self, request: Any, queryset: Any) -> None:
        for verification in queryset:
            self.log_change(request, verification, _("Cleared the limits."))
        count = queryset.clear()
        text = ngettext(
            "The limits of %(count)d phone are cleared.", "The limits of %(count)d phones are cleared.", count
        )
        messages.success(request, text % {"count": count})

    def has_clear_permission(self, request: Any) -> bool:
        return bool(request.user.has_perm("phone_referrals.change_phoneverification"))

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(phone_number=phone_in(search_term)) if search_term else queryset), False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        # Without its row a phone would have its limits anew.
        return False


def _local(seconds: float | None) -> str:
    """Return POSIX seconds as the clock of the site's zone shows them, whatever `USE_TZ` says."""
    if seconds is None:
        return "-"
    # As text: the page of one row would show a `datetime` as Python writes it.
    return str(formats.localize(timezone.localtime(datetime.fromtimestamp(seconds, UTC))))


@admin.register(SmsUsage)
class SmsUsageAdmin(ListAdmin):
    half = "signin"
    list_display = ("day", "region", "slot", "sent", "segments", "verified", "failed")
    list_filter = ("region",)
    sortable_by = ("day",)
    date_hierarchy = "day"
    ordering = ("-day", "region", "slot")

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        # Without its row a day would have its ceiling anew.
        return False

    class Media:
        css = {"all": ("phone_referrals/admin.css",)}

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        response: Any = super().changelist_view(request, extra_context)
        changelist = getattr(response, "context_data", {}).get("cl")
        if changelist:
            response.context_data["chart"] = chart_of(changelist.queryset)
        return response


def chart_of(usage: QuerySet[SmsUsage]) -> dict[str, Any] | None:
    """Return the messages and sign-ins of the last 30 days that `usage` has; `None` where it has none."""
    # Region "" counts all regions again, if they have a ceiling. It is drawn only if the filter selects it.
    by_day = usage.order_by().values("day")
    counted = by_day.exclude(region="") if by_day.exclude(region="").exists() else by_day
    last = counted.aggregate(last=Max("day"))["last"]
    if last is None:
        return None
    days = [last - timedelta(days=ago) for ago in reversed(range(CHART_DAYS))]
    sums = {
        day: {"day": day, "sent": sent, "verified": verified}
        for day, sent, verified in counted.filter(day__gte=days[0]).values_list("day", Sum("sent"), Sum("verified"))
    }
    highest = max(1, *(max(each["sent"], each["verified"]) for each in sums.values()))
    return {"highest": highest, "days": [sums.get(day, {"day": day, "sent": 0, "verified": 0}) for day in days]}
