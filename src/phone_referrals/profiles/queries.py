"""Reading profiles and lists of users, with a fixed number of statements."""

from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Case, QuerySet, Subquery, Value, When

from phone_referrals import keyset
from phone_referrals.accounts import get_accounts
from phone_referrals.referrals.invitees import invitees_page
from phone_referrals.referrals.models import Referral
from phone_referrals.referrals.tree import MAX_LEVELS


def users() -> QuerySet[Any]:
    """Return the users with their phone numbers."""
    return get_accounts().join(get_user_model()._default_manager.all())


def profiles() -> QuerySet[Any]:
    """Return the users with their referrers and their active referral codes."""
    return get_accounts().join(users(), "phone_referral__referrer").select_related("active_phone_referral_code")


def users_page(cursor: str = "") -> keyset.Page:
    """Return a page of users, newest keys first; raises `InvalidCursor`."""
    return keyset.page(users(), descending=["pk"], cursor=cursor)


def network_page(reader: AbstractBaseUser, cursor: str = "") -> keyset.Page:
    """Return a page of the reader's people: on the first page itself and its referrer, then its invitees.

    Raises `InvalidCursor`.
    """
    page = invitees_page(reader, cursor)
    people = [each.referred for each in page.rows]
    if not page.previous_cursor and (page.rows or not cursor):  # A later page is empty once its rows are gone.
        referrals = get_accounts().join(Referral.objects.filter(pk=reader.pk), "referrer")
        people = [reader, *(each.referrer for each in referrals if each.referrer), *people]
    return replace(page, rows=people)


def near(reader: AbstractBaseUser, users: QuerySet[Any]) -> QuerySet[Any]:
    """Return those of `users` that belong to the reader's network, each with its `network_level`.

    The reader's is 0, that of its referrer -1, and the people below it are followed for `MAX_LEVELS`. From each user
    it is a few steps up by primary keys, however many people there are below the reader.
    """
    above = ("phone_referral" + "__referrer__phone_referral" * steps + "__referrer" for steps in range(MAX_LEVELS))
    levels = [When(**{path: reader.pk}, then=Value(level)) for level, path in enumerate(["pk", *above])]
    referrer = Referral.objects.filter(pk=reader.pk).values("referrer")[:1]
    level = Case(*levels, When(pk=Subquery(referrer), then=Value(-1)))
    found: QuerySet[Any] = users.annotate(network_level=level).filter(network_level__isnull=False)
    return found


def has_open_network(user: AbstractBaseUser) -> bool:
    """Return whether the reader may read the invitees of this user of `near`: not the referrer's, nor too deep ones."""
    return 0 <= getattr(user, "network_level", 0) < MAX_LEVELS
