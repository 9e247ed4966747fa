"""What profiles and lists are read with: a fixed number of statements, however many users and invitees there are."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.manager import BaseManager

from phone_referrals import keyset
from phone_referrals.accounts import get_accounts
from phone_referrals.conf import conf
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals.tree import MAX_LEVELS

# Counting a popular referrer's invitees to the last one would read them all.
MAX_COUNT = 1000


@dataclass(frozen=True, kw_only=True)
class Invitees:
    """A first page of invitees. `capped`: there are more than `count`."""

    page: keyset.Page
    count: int
    capped: bool


def users() -> QuerySet[Any]:
    """Return the users with their phone numbers."""
    return get_accounts().join(get_user_model()._default_manager.all())


def profiles() -> QuerySet[Any]:
    """Return the users with their referrers and, as `active_referral_code`, their codes."""
    manager = get_user_model()._default_manager
    # What a manager of the host hides may depend on the moment, such as on whose site is asked.
    is_plain = type(manager).get_queryset is BaseManager.get_queryset
    make = _profiles if is_plain else _profiles.__wrapped__
    made: QuerySet[Any] = make(type(get_accounts()).join, conf.accounts, conf.phone_field).all()
    return made


@lru_cache
def _profiles(_join: Callable[..., Any], *_settings: str) -> QuerySet[Any]:
    """Make the query once for what it depends on: that takes as long as to read a user."""
    active = ReferralCode.objects.filter(active_for=OuterRef("pk")).values("code")[:1]
    joined = get_accounts().join(users(), "phone_referral__referrer")
    annotated: QuerySet[Any] = joined.annotate(active_referral_code=Subquery(active))
    return annotated


def users_page(cursor: str = "") -> keyset.Page:
    """Return a page of users, newest keys first; raises `InvalidCursor`."""
    return keyset.page(users(), descending=["pk"], cursor=cursor)


def network_page(reader: Any, cursor: str = "") -> keyset.Page:
    """Return a page of the people whom the reader knows: on the first itself and its referrer, then its invitees.

    Raises `InvalidCursor`.
    """
    page = invitees_page(reader, cursor)
    people = [each.referred for each in page.rows]
    if not cursor:
        referrals = get_accounts().join(Referral.objects.filter(referred=reader), "referrer")
        people = [reader, *(each.referrer for each in referrals if each.referrer), *people]
    return replace(page, rows=people)


def near(reader: Any, users: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of `users` whom the reader has to do with, each with its `network_level`.

    The reader's is 0, that of its referrer -1, and the people below it are followed for `MAX_LEVELS`. From each user
    it is a few steps up by primary keys, however many people there are below the reader.
    """
    above = ("phone_referral" + "__referrer__phone_referral" * steps + "__referrer" for steps in range(MAX_LEVELS))
    levels = [When(**{path: reader.pk}, then=Value(level)) for level, path in enumerate(["pk", *above])]
    referrer = Referral.objects.filter(referred=reader).values("referrer")[:1]
    level = Case(*levels, When(pk=Subquery(referrer), then=Value(-1)))
    found: QuerySet[Any] = users.annotate(network_level=level).filter(network_level__isnull=False)
    return found


def has_open_network(user: Any) -> bool:
    """Return whether the reader may also read whom this user of `near` invited: neither the referrer's nor too deep."""
    return 0 <= getattr(user, "network_level", 0) < MAX_LEVELS


def invitees_page(user: Any, cursor: str = "") -> keyset.Page:
    """Return a page of the referrals of `user`, newest first; raises `InvalidCursor`."""
    referrals = _referrals(type(get_accounts()).join, conf.accounts, conf.phone_field).of(user)
    return keyset.page(referrals, descending=["created_at", "referred"], cursor=cursor)


@lru_cache
def _referrals(_join: Callable[..., Any], *_settings: str) -> Any:
    # Without `code`, the index holds every column that is read.
    return get_accounts().join(Referral.objects.defer("code"), "referred")


def invitees(user: Any) -> Invitees:
    """Return the newest invitees of `user` and how many there are, counted up to `MAX_COUNT`."""
    page = invitees_page(user)
    count = Referral.objects.of(user)[: MAX_COUNT + 1].count() if page.next_cursor else len(page.rows)
    return Invitees(page=page, count=min(count, MAX_COUNT), capped=count > MAX_COUNT)
