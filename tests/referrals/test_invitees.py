import pytest

from phone_referrals.exceptions import InvalidCursor
from phone_referrals.referrals import invitees
from tests.people import add_invitees

pytestmark = pytest.mark.django_db


def test_invitees_are_those_of_one_user(make_user):
    user, other = make_user(0), make_user(1)
    expected = add_invitees(user, 3)
    add_invitees(other, 3)
    assert [row.pk for row in invitees.invitees_page(user).rows] == expected


@pytest.mark.parametrize(
    ("invited", "count", "capped"), [(0, 0, False), (20, 20, False), (21, 21, False), (30, 30, False), (31, 30, True)]
)
def test_invitees_are_counted_to_the_cap_and_no_further(make_user, monkeypatch, invited, count, capped):
    monkeypatch.setattr(invitees, "MAX_COUNT", 30)
    user = make_user()
    add_invitees(user, invited)
    found = invitees.invitees(user)
    assert (found.count, found.capped) == (count, capped)
    assert len(found.page.rows) == min(invited, 20)


@pytest.mark.parametrize("invited", [1, 20, 50])
def test_statements_do_not_grow_with_invitees(make_user, invited, django_assert_num_queries):
    user = make_user()
    add_invitees(user, invited)
    # The page, and the count where the page does not say it.
    with django_assert_num_queries(1 if invited <= 20 else 2):
        found = invitees.invitees(user)
        assert all(row.referred.phone_number is None for row in found.page.rows)


def test_a_bad_cursor_is_refused(make_user):
    with pytest.raises(InvalidCursor):
        invitees.invitees_page(make_user(), "x")
