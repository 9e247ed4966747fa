"""Reading the referrer and the invitees of a user, with a fixed number of statements."""

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router

from phone_referrals import keyset
from phone_referrals.accounts import get_accounts
from phone_referrals.referrals.models import Referral

# Counting a popular referrer's invitees to the last one would read them all.
MAX_COUNT = 1000


@dataclass(frozen=True, kw_only=True)
class Invitees:
    """A first page of the invitees of `user`. `capped`: there are more than `count`."""

    user: AbstractBaseUser
    page: keyset.Page
    count: int
    capped: bool


def referral_of(user: AbstractBaseUser) -> Referral | None:
    """Return the referral of an invited user with its referrer; not from a replica, which may not have it yet."""
    mine = Referral.objects.using(router.db_for_write(Referral)).filter(pk=user.pk)
    return get_accounts().join(mine, "referrer").first()


def invitees_page(user: AbstractBaseUser, cursor: str = "") -> keyset.Page:
    """Return a page of the referrals of `user`, newest first; raises `InvalidCursor`."""
    # Without `code`, the index holds every column that is read.
    referrals = get_accounts().join(Referral.objects.of(user).defer("code"), "referred")
    return keyset.page(referrals, descending=["created_at", "referred"], cursor=cursor)


def invitees(user: AbstractBaseUser) -> Invitees:
    """Return the newest invitees of `user` and how many there are, counted up to `MAX_COUNT`."""
    page = invitees_page(user)
    count = Referral.objects.of(user)[: MAX_COUNT + 1].count() if page.next_cursor else len(page.rows)
    return Invitees(user=user, page=page, count=min(count, MAX_COUNT), capped=count > MAX_COUNT)
