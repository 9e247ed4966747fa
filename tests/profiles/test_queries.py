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
    assert not hasattr(queries.profiles().get(), "active_phone_referral_code")
    ReferralCode.objects.create(user=user, code="AAAAAA")
    ReferralCode.objects.create(user=user, active_for=user, code="BBBBBB")
    assert queries.profiles().get().active_phone_referral_code.code == "BBBBBB"


def test_a_user_with_several_codes_is_one_row(make_user):
    user = make_user()
    for number in range(3):
        ReferralCode.objects.create(user=user, code=f"CODE{number}", active_for=None if number else user)
    add_invitees(user, 3)
    assert queries.profiles().filter(pk=user.pk).count() == 1


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


def test_a_hosts_manager_may_hide_by_the_moment(make_user, monkeypatch):
    manager = OfThisSite()
    manager.model = get_user_model()
    monkeypatch.setitem(get_user_model()._meta.__dict__, "default_manager", manager)
    for user in (make_user(0), make_user(1)):
        manager.present = (user.pk,)
        assert [each.pk for each in queries.profiles()] == [user.pk]


def test_a_bad_cursor_is_refused(make_user):
    for read in (queries.users_page, lambda cursor: queries.network_page(make_user(), cursor)):
        with pytest.raises(InvalidCursor):
            read("x")
