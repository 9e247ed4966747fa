"""Bases of the lists in the admin: they open as fast with a million rows as with a hundred, and mask all numbers."""

from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from phone_referrals import halves, phones
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import InvalidPhoneNumber
from phone_referrals.http import guarded


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than `MAX_COUNT`. Later rows are reached by searching and filtering."""

    MAX_COUNT = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: self.MAX_COUNT].count())


class UnreportedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Keeps phones out of error reports: those that staff type, search for and look at."""

    @property
    def urls(self) -> list[Any]:
        patterns = super().urls
        for each in patterns:
            each.callback = guarded(each.callback)
        return patterns


class ListAdmin(UnreportedAdmin):
    """Base of our pages in the admin. Rows are written by domain functions only, where a subclass offers them."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # They count every row.
    sortable_by: ClassVar[tuple[str, ...]] = ()  # A subclass names the columns that have an index.
    is_editable = False
    half: ClassVar[str]  # Of which the rows are: where the half is off, nobody sees them.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return halves.on(self.half) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return halves.on(self.half) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.is_editable and halves.on(self.half) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.is_editable and halves.on(self.half) and super().has_change_permission(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        # The permission itself stays where the half is off: staff need it to delete users, whose rows go with them.
        if not halves.on(self.half):
            raise PermissionDenied
        return super().delete_view(request, object_id, extra_context)


def phone_in(search_term: str) -> str | None:
    """Return the E.164 number in a search, typed in any spelling.

    Returns `None` for any other text, and on a site without sign-in by phone, whose users may have no phones.
    """
    try:
        return phones.parse(search_term) if halves.on("signin") else None
    except InvalidPhoneNumber:
        return None


def search_help(text: Any) -> Any:
    """Return the help of a search for codes and users, which names phones where the site has sign-in by phone."""
    return lazy(lambda: str(text if halves.on("signin") else _("Referral code")), str)()


def user_in(search_term: str) -> Any:
    """Return the user with this phone number or, on a site without sign-in by phone, this user name; or `None`."""
    if halves.on("signin"):
        phone_number = phone_in(search_term)
        return get_accounts().find(phone_number) if phone_number else None
    users: Any = get_user_model()
    with suppress(ValueError, ValidationError):  # A name may be a number, or a key of another kind.
        return users._base_manager.filter(**{users.USERNAME_FIELD: search_term}).first()
    return None


def person(user: AbstractBaseUser | None, site: admin.AdminSite) -> str:
    """Return the display name of a user, linked to its page in the admin `site`, where the host has one."""
    if user is None:
        return "–"
    name = get_accounts().display_name(user)
    if not site.is_registered(get_user_model()):
        return name
    page = f"admin:{user._meta.app_label}_{user._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[user.pk], current_app=site.name), name)
