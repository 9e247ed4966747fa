"""Referrals in the admin: codes to give, rotate and disable, and the list of referrals."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from phone_referrals.accounts import get_accounts
from phone_referrals.admin_lists import ListAdmin, person, search_help, user_in
from phone_referrals.exceptions import AccountDisabled, PhoneReferralsError
from phone_referrals.referrals import codes
from phone_referrals.referrals.models import Referral, ReferralCode


class ReferralCodeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A code that staff give to a user: the text that they chose, or a random one."""

    class Meta:
        model = ReferralCode
        fields = ("user", "code", "expires_at", "max_uses")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "code" in self.fields:
            self.fields["code"].required = False
            self.fields["code"].help_text = _("Left empty, one is made. Stored folded: O is 0, I and L are 1.")

    def clean_code(self) -> str:
        text = self.cleaned_data["code"]
        return codes.chosen(text) if text else ""


@admin.register(ReferralCode)
class ReferralCodeAdmin(ListAdmin):
    half = "referrals"
    is_editable = True
    form = ReferralCodeForm
    add_fields = ("user", "code", "expires_at", "max_uses")
    fields = ("owner", "code", "is_active", "is_disabled", "expires_at", "max_uses", "uses", "created_at")
    readonly_fields = ("owner", "code", "is_active", "uses", "created_at")
    raw_id_fields = ("user",)
    list_display = ("code", "owner", "is_active", "is_disabled", "expires_at", "max_uses", "created_at")
    sortable_by = ("code",)
    list_filter = ("is_disabled",)
    search_fields = ("code",)
    search_help_text = search_help(_("A referral code, or a whole phone number in any spelling."))
    actions = ("rotate", "disable", "enable")

    @admin.display(description=_("user"))
    def owner(self, code: ReferralCode) -> str:
        return person(code.user, self.admin_site)

    @admin.display(description=_("active"), boolean=True)
    def is_active(self, code: ReferralCode) -> bool:
        return code.active_for_id is not None

    @admin.action(description=_("Give new codes to the owners of the selected ones"), permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: Any) -> None:
        owners = {code.user_id: code.user for code in queryset}
        count = 0
        for user in owners.values():
            with suppress(AccountDisabled):  # Deleted a moment ago.
                self.log_addition(request, codes.rotate(user), _("Rotated."))
                count += 1
        self._say(request, ngettext("%(count)d code was made.", "%(count)d codes were made.", count), count)

    @admin.action(description=_("Disable the selected codes"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: Any) -> None:
        self._set_disabled(request, queryset, is_disabled=True)

    @admin.action(description=_("Enable the selected codes"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: Any) -> None:
        self._set_disabled(request, queryset, is_disabled=False)

    def _set_disabled(self, request: HttpRequest, queryset: Any, *, is_disabled: bool) -> None:
        for code in queryset:
            self.log_change(request, code, _("Disabled.") if is_disabled else _("Enabled."))
        count = queryset.update(is_disabled=is_disabled)
        self._say(request, ngettext("%(count)d code was changed.", "%(count)d codes were changed.", count), count)

    def _say(self, request: HttpRequest, text: str, count: int) -> None:
        messages.success(request, text % {"count": count})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Where the host's own admin of users can be searched; a plain key otherwise, never a list of all users.
        users = self.admin_site._registry.get(get_user_model())
        return ("user",) if users and users.get_search_fields(request) else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return get_accounts().join(super().get_queryset(request), "user")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        owner = user_in(search_term)
        # Each by an index: a search for a part of the code reads every row.
        return queryset.filter(Q(user=owner) if owner else Q(code=codes.read(search_term))), False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if change:
            # Not the columns that the form only read: the code may have been used, or rotated, meanwhile.
            obj.save(update_fields=form.changed_data)
            return
        obj.code = obj.code or codes.new_code(obj.user).code
        codes.activate(obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except PhoneReferralsError as refusal:
            # Taken since the form was checked.
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())


@admin.register(Referral)
class ReferralAdmin(ListAdmin):
    half = "referrals"
    fields = ("referred_person", "referrer_person", "code", "created_at")
    list_display = ("referred_person", "referrer_person", "code", "created_at")
    list_display_links = ("created_at",)  # Those of the people lead to them.
    sortable_by = ("created_at",)
    # No `date_hierarchy`: to say on which days there are rows, Django reads every row.
    list_filter = ("created_at",)
    ordering = ("-created_at", "-referred")
    search_fields = ("code",)
    search_help_text = search_help(_("A referral code, or a whole phone number of either, in any spelling."))

    @admin.display(description=_("invited user"))
    def referred_person(self, referral: Referral) -> str:
        return person(referral.referred, self.admin_site)

    @admin.display(description=_("referrer"))
    def referrer_person(self, referral: Referral) -> str:
        return person(referral.referrer, self.admin_site)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        accounts, referrals = get_accounts(), Referral.objects.order_by(*self.ordering)
        return accounts.join(accounts.join(referrals, "referred"), "referrer")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        user = user_in(search_term)
        if user:
            return queryset.filter(Q(referred=user) | Q(referrer=user)), False
        # By its owner, whose referrals have an index: codes of referrals have none.
        code = ReferralCode.objects.filter(code=codes.read(search_term)).first()
        return queryset.filter(referrer=code.user_id, code=code.code) if code else queryset.none(), False

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="phone_referrals_referral_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"export_url": f"{self._url('export')}?{request.GET.urlencode()}", **(extra_context or {})}
        return super().changelist_view(request, context)

    def _url(self, name: str) -> str:
        return reverse(f"admin:phone_referrals_referral_{name}", current_app=self.admin_site.name)

    # No circle is possible while referrals go with their users only. The permission stays: users are deleted by it.

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        where = {"action_location": action_location} if action_location else {}  # Django 6.1 has two places.
        actions = super().get_actions(request, **where)
        return {name: action for name, action in actions.items() if name != "delete_selected"}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {"show_delete": False, **(extra_context or {})})

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise PermissionDenied

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream all rows of the list, as it is filtered, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            # As the list itself does.
            return HttpResponseRedirect(f"{self._url('changelist')}?{ERROR_FLAG}=1")
        referrals = changelist.get_queryset(request).order_by("created_at", "referred")
        return StreamingHttpResponse(
            csv_of(referrals.iterator(chunk_size=2000)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="referrals.csv"'},
        )


def csv_of(referrals: Iterable[Referral]) -> Iterator[str]:
    """Yield the lines of a table of referrals; people have their display names."""
    writer, name = csv.writer(_Lines()), get_accounts().display_name
    yield writer.writerow(["created_at", "code", "referred_id", "referred", "referrer_id", "referrer"])
    for each in referrals:
        row = [
            each.created_at.isoformat(),
            each.code,
            each.referred_id,
            name(each.referred),
            "" if each.referrer_id is None else each.referrer_id,
            name(each.referrer) if each.referrer else "",
        ]
        yield writer.writerow([_harmless(str(value)) for value in row])


def _harmless(text: str) -> str:
    """Keep a spreadsheet from reading a value as a formula (OWASP: CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _Lines:
    """A file for `csv` that returns each line."""

    def write(self, line: str) -> str:
        return line
