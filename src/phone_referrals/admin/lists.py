"""What the lists share: they open as fast at a million rows as at a hundred, and show nobody's whole number."""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.urls import reverse
from django.utils.html import format_html

from phone_referrals import phones
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import InvalidPhoneNumber
from phone_referrals.http import guarded


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than `MAX_COUNT`. What lies behind is reached by searching and filtering."""

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

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


def phone_in(search_term: str) -> str | None:
    """Return the E.164 number that is searched for, in whatever spelling; `None` where it is something else."""
    try:
        return phones.parse(search_term)
    except InvalidPhoneNumber:
        return None


def person(user: Any, site: admin.AdminSite) -> str:
    """Return the display name of a user, linked to its page in the admin `site`, where the host has one."""
    if user is None:
        return "–"
    name = get_accounts().display_name(user)
    if not site.is_registered(get_user_model()):
        return name
    page = f"admin:{user._meta.app_label}_{user._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[user.pk], current_app=site.name), name)
