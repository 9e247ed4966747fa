"""The admin of the package, and `PhoneUserAdminMixin` for the host's own `UserAdmin`."""

from contextlib import suppress
from itertools import chain
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from phone_referrals import halves
from phone_referrals.accounts import get_accounts, lock
from phone_referrals.admin_lists import CappedPaginator, UnreportedAdmin, phone_in
from phone_referrals.conf import conf
from phone_referrals.exceptions import AccountDisabled
from phone_referrals.http import guarded
from phone_referrals.referrals import network
from phone_referrals.referrals.admin import ReferralAdmin, ReferralCodeAdmin
from phone_referrals.referrals.models import ReferralCode
from phone_referrals.signals import phone_left
from phone_referrals.signin.admin import PhoneVerificationAdmin, SmsUsageAdmin

__all__ = ["PhoneUserAdminMixin", "PhoneVerificationAdmin", "ReferralAdmin", "ReferralCodeAdmin", "SmsUsageAdmin"]

REFERRAL_FIELDS = ("phone_referral_code", "phone_referral_network")


class UnchangedPhone(forms.BaseForm):
    """A form that leaves an unchanged phone alone: a number may be invalid since its range was renumbered."""

    def full_clean(self) -> None:
        field = self.fields.get(conf.phone_field)
        unchanged = self.is_bound and self.initial.get(conf.phone_field) and conf.phone_field not in self.changed_data
        if field is None or not unchanged:
            super().full_clean()
            return
        fields, self.fields = self.fields, {name: each for name, each in self.fields.items() if each is not field}
        super().full_clean()
        self.fields = fields


class PhoneUserAdminMixin(UnreportedAdmin):
    """Adds a user's referral code and a picture of its network, and finds users by phone number in any spelling.

    On a site with one half, it adds the parts of that half only.

    `class UserAdmin(PhoneUserAdminMixin, DjangoUserAdmin)`. If it names no fields of its own, it shows the phone too.
    Staff who give users other phones let no phone redeem a second time.
    """

    paginator = CappedPaginator
    show_full_result_count = False

    class Media:
        css = {"all": ("phone_referrals/admin.css",)}

    @admin.display(description=_("referral code"))
    def phone_referral_code(self, user: AbstractBaseUser) -> str:
        # None is made by looking.
        return str(ReferralCode.objects.filter(active_for=user.pk).first() or "–")

    @admin.display(description=_("network"))
    def phone_referral_network(self, user: AbstractBaseUser) -> str:
        # Of this admin site, of which the host may have several.
        users = reverse(
            f"admin:{user._meta.app_label}_{user._meta.model_name}_changelist", current_app=self.admin_site.name
        )
        context = {"above": network.draw_above(user), "network": network.draw(user), "users": users}
        return render_to_string("admin/phone_referrals/network.html", context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (UnchangedPhone, form), {})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        phone = [(None, {"fields": [conf.phone_field]})] if self._lacks_the_phone(request, obj, fieldsets) else []
        referrals = [(_("Referrals"), {"fields": REFERRAL_FIELDS})] if halves.on("referrals") else []
        return [*fieldsets[:1], *phone, *fieldsets[1:], *referrals]

    def _lacks_the_phone(self, request: HttpRequest, obj: Any, fieldsets: Any) -> bool:
        # A host that names the fields has chosen what staff may change. Staff who change a phone can sign in by it.
        chosen = self.fieldsets is not DjangoUserAdmin.fieldsets
        is_own = type(self).get_fieldsets is not PhoneUserAdminMixin.get_fieldsets
        if chosen or is_own or "__" in conf.phone_field or not halves.on("signin"):
            return False
        field = self.model._meta.get_field(conf.phone_field)
        left_out = (self.get_exclude(request, obj), self.form._meta.exclude, self.get_readonly_fields(request, obj))
        elsewhere = {*flatten_fieldsets(fieldsets), *chain.from_iterable(names or () for names in left_out)}
        if not field.editable or conf.phone_field in elsewhere:
            return False
        # Not a column of text, which would take any spelling.
        return isinstance(self.formfield_for_dbfield(field, request), PhoneNumberField)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *REFERRAL_FIELDS] if obj and halves.on("referrals") else fields

    @method_decorator(guarded)  # The site's own `autocomplete/` calls it too.
    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        phone_number = phone_in(search_term)
        if phone_number:
            return queryset.filter(**{conf.phone_field: phone_number}), False
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with transaction.atomic(using=router.db_for_write(self.model)):
            if change and halves.on("signin"):
                _remember(obj)
            super().save_model(request, obj, form, change)


def _remember(changed: AbstractBaseUser) -> None:
    """Lock a user before it is saved, and keep that the phone that it loses has redeemed."""
    accounts = get_accounts()
    with suppress(AccountDisabled):  # It was deleted a moment ago, and remembered then.
        user = lock(changed)
        phone_number = accounts.phone_of(user)
        # A phone in a table of its own is changed by an inline, which is saved later.
        if "__" in conf.phone_field or accounts.phone_of(changed) != phone_number:
            phone_left.send(type(user), user=user, phone_number=phone_number, is_deleted=False)
