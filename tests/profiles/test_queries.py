import pytest
from django.contrib.auth import get_user_model
from django.db import models

from phone_referrals.exceptions import InvalidCursor
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.profiles import queries
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db


def test_users_are_listed_newest_keys_first():
    crowd = add_users(3)
    assert [user.pk for user in queries.users_page().rows] == [user.pk for user in reversed(crowd)]


def test_a_profile_has_the_active_code_and_no_other(make_user):
    user = make_user()
    assert queries.profiles().get().active_referral_code is None
    ReferralCode.objects.create(user=user, code="AAAAAA")
    ReferralCode.objects.create(user=user, active_for=user, code="BBBBBB")
    assert queries.profiles().get().active_referral_code == "BBBBBB"


def test_a_user_with_several_codes_is_one_row(make_user):
    user = make_user()
    for number in range(3):
        ReferralCode.objects.create(user=user, code=f"CODE{number}", active_for=None if number else user)
    add_invitees(user, 3)
    assert queries.profiles().filter(pk=user.pk).count() == 1


def test_invitees_are_those_of_one_user(make_user):
    user, other = make_user(0), make_user(1)
    expected = add_invitees(user, 3)
    add_invitees(other, 3)
    assert [row.pk for row in queries.invitees_page(user).rows] == expected


@pytest.mark.parametrize(
    ("invited", "count", "capped"), [(0, 0, False), (20, 20, False), (21, 21, False), (30, 30, False), (31, 30, True)]
)
def test_invitees_are_counted_to_the_cap_and_no_further(make_user, monkeypatch, invited, count, capped):
    monkeypatch.setattr(queries, "MAX_COUNT", 30)
    user = make_user()
    add_invitees(user, invited)
    invitees = queries.invitees(user)
    assert (invitees.count, invitees.capped) == (count, capped)
    assert len(invitees.page.rows) == min(invited, 20)


@pytest.mark.parametrize("invited", [1, 20, 50])
def test_statements_do_not_grow_with_invitees(make_user, invited, django_assert_num_queries):
    user = make_user()
    add_invitees(user, invited)
    # The page, and the count where the page does not say it.
    with django_assert_num_queries(1 if invited <= 20 else 2):
        invitees = queries.invitees(user)
        assert all(row.referred.phone_number is None for row in invitees.page.rows)


@pytest.mark.parametrize("users", [1, 50])
def test_statements_do_not_grow_with_users(users, django_assert_num_queries):
    add_users(users)
    with django_assert_num_queries(1):
        assert all(user.phone_number is None for user in queries.users_page().rows)


def test_a_profile_with_referrer_and_code_is_one_statement(make_user, django_assert_num_queries):
    user, owner = make_user(0), make_user(1)
    Referral.objects.create(referred=user, referrer=owner, code="X")
    with django_assert_num_queries(1):
        profile = queries.profiles().get(pk=user.pk)
        assert str(profile.phone_referral.referrer.phone_number) == "+12015550101"


def test_nothing_is_remembered_between_two_reads():
    add_users(1)
    assert len(queries.users_page().rows) == 1
    get_user_model().objects.all().delete()
    assert queries.users_page().rows == []


class OfThisSite(models.Manager):
    """Shows the users of the site that is asked, as managers of sites with several tenants do."""

    present = ()

    def get_queryset(self):
        return super().get_queryset().filter(pk__in=self.present)


def test_what_a_manager_of_the_host_hides_may_depend_on_the_moment(make_user, monkeypatch):
    manager = OfThisSite()
    manager.model = get_user_model()
    monkeypatch.setitem(get_user_model()._meta.__dict__, "default_manager", manager)
    for user in (make_user(0), make_user(1)):
        manager.present = (user.pk,)
        assert [each.pk for each in queries.profiles()] == [user.pk]


def test_a_bad_cursor_is_refused(make_user):
    for read in (queries.users_page, lambda cursor: queries.invitees_page(make_user(), cursor)):
        with pytest.raises(InvalidCursor):
            read("x")
