"""What the host's own admin of users shows of this package."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from phone_referrals.admin.lists import CappedPaginator, phone_in
from phone_referrals.conf import conf
from phone_referrals.profiles import network
from phone_referrals.referrals import codes


class PhoneUserAdminMixin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Adds a user's referral code and a picture of its network, and finds users by phone number in any spelling.

    `class UserAdmin(PhoneUserAdminMixin, DjangoUserAdmin)`. If it names no fields of its own, it shows the phone too.
    """

    paginator = CappedPaginator
    show_full_result_count = False

    class Media:
        css = {"all": ("phone_referrals/admin.css",)}

    @admin.display(description=_("referral code"))
    def phone_referral_code(self, user: Any) -> str:
        return codes.code_of(user).code

    @admin.display(description=_("network"))
    def phone_referral_network(self, user: Any) -> str:
        context = {"above": network.draw_above(user), "network": network.draw(user), "opts": user._meta}
        return render_to_string("admin/phone_referrals/network.html", context)

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        phone = [(None, {"fields": [conf.phone_field]})] if self._lacks_the_phone(request, obj, fieldsets) else []
        referrals = (_("referrals"), {"fields": ["phone_referral_code", "phone_referral_network"]})
        return [*fieldsets[:1], *phone, *fieldsets[1:], referrals]

    def _lacks_the_phone(self, request: Any, obj: Any, fieldsets: Any) -> bool:
        # A host that names the fields has chosen what staff may change: who changes a phone can sign in by it.
        chosen = self.fieldsets is not DjangoUserAdmin.fieldsets
        if chosen or type(self).get_fieldsets is not PhoneUserAdminMixin.get_fieldsets:
            return False
        # Neither what the host excludes nor a column of text, which would take any spelling.
        field = self.get_form(request, obj, fields=None).base_fields.get(conf.phone_field)
        return isinstance(field, PhoneNumberField) and conf.phone_field not in flatten_fieldsets(fieldsets)

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else [*fields, "phone_referral_code", "phone_referral_network"]

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        phone_number = phone_in(search_term)
        if phone_number:
            return queryset.filter(**{conf.phone_field: phone_number}), False
        return super().get_search_results(request, queryset, search_term)
