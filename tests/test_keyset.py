from datetime import timedelta
from itertools import chain

import pytest
from django.contrib.auth import get_user_model
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from phone_referrals import keyset
from phone_referrals.exceptions import InvalidCursor
from phone_referrals.models import Referral
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db

NEWEST = ["created_at", "referred"]


def users(cursor=""):
    return keyset.page(get_user_model().objects.all(), descending=["pk"], cursor=cursor)


def invitees(user, cursor=""):
    return keyset.page(Referral.objects.of(user), descending=NEWEST, cursor=cursor)


def follow(page_at):
    """Return the keys on each page, to the last one."""
    page = page_at("")
    pages = [[row.pk for row in page.rows]]
    while page.next_cursor:
        page = page_at(page.next_cursor)
        pages.append([row.pk for row in page.rows])
    return pages


@pytest.mark.parametrize(("rows", "sizes"), [(0, [0]), (1, [1]), (19, [19]), (20, [20]), (21, [20, 1]), (40, [20, 20])])
def test_a_page_has_twenty_rows_and_a_last_one_has_no_next(rows, sizes):
    add_users(rows)
    assert [len(page) for page in follow(users)] == sizes


@pytest.mark.parametrize("minutes_between", [1, 0, -1], ids=["one by one", "all at once", "newest first"])
def test_pages_to_the_end_give_every_row_once(make_user, minutes_between):
    user = make_user()
    expected = add_invitees(user, 65, minutes_between=minutes_between)
    assert [*chain(*follow(lambda cursor: invitees(user, cursor)))] == expected


def test_a_page_ends_within_rows_of_one_moment(make_user):
    user = make_user()
    together = add_invitees(user, 30, minutes_between=0)
    Referral.objects.filter(pk__in=together[::3]).update(created_at=timezone.now() - timedelta(days=1))
    expected = list(Referral.objects.of(user).order_by("-created_at", "-referred").values_list("pk", flat=True))
    assert [*chain(*follow(lambda cursor: invitees(user, cursor)))] == expected


def test_moments_a_microsecond_apart_are_told_apart(make_user):
    user = make_user()
    expected = add_invitees(user, 25, minutes_between=1 / 60 / 1_000_000)
    assert [*chain(*follow(lambda cursor: invitees(user, cursor)))] == expected


def test_rows_added_or_deleted_between_pages_hide_no_others():
    before = [user.pk for user in add_users(30)]
    first = users()
    first.rows[-1].delete()
    add_users(5)
    second = users(first.next_cursor)
    assert [row.pk for row in second.rows] == before[9::-1]


def test_a_later_page_costs_one_statement_without_offset(make_user):
    user = make_user()
    add_invitees(user, 45)
    cursor = invitees(user).next_cursor
    with CaptureQueriesContext(connection) as queries:
        invitees(user, cursor)
    assert len(queries) == 1
    assert "OFFSET" not in queries[0]["sql"]


def tampered(cursor):
    return cursor[:-1] + ("A" if cursor[-1] != "A" else "B")


def truncated(cursor):
    return cursor[:-1]


def without_signature(cursor):
    return cursor.rpartition(":")[0]


def signed_by_another_site(cursor):
    return signing.dumps([1], key="another", salt="phone_referrals.keyset:phone_first.User:pk")


def signed_for_another_use(cursor):
    return signing.dumps([1])


@pytest.mark.parametrize(
    "spoil", [tampered, truncated, without_signature, signed_by_another_site, signed_for_another_use]
)
def test_a_cursor_that_is_not_ours_is_refused(spoil):
    add_users(21)
    with pytest.raises(InvalidCursor):
        users(spoil(users().next_cursor))


@pytest.mark.parametrize(
    "cursor", ["x", ":", "::", "a:b:c", "\0", "\ud800", "😀:😀:😀", "0", "None", " ", "a" * 100_000]
)
def test_what_was_never_a_cursor_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        users(cursor)


def test_the_cursor_of_one_list_is_refused_by_another(make_user):
    user = make_user()
    add_invitees(user, 21)
    with pytest.raises(InvalidCursor):
        invitees(user, users().next_cursor)
    with pytest.raises(InvalidCursor):
        users(invitees(user).next_cursor)


def test_a_cursor_outlives_its_row_and_a_change_of_the_secret(settings):
    add_users(21)
    page = users()
    get_user_model().objects.filter(pk=page.rows[-1].pk).delete()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    assert len(users(page.next_cursor).rows) == 1


def test_a_page_before_rows_that_are_gone_is_the_first(db):
    add_users(45)
    second = users(users().next_cursor)
    get_user_model().objects.filter(pk__gt=second.rows[0].pk).delete()
    first = users(second.previous_cursor)
    assert [row.pk for row in first.rows] == [row.pk for row in users().rows]
    assert first.previous_cursor == ""
