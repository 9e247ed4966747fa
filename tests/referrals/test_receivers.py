"""After a user is deleted by any code, its phone has redeemed and no text of its codes is left."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models.deletion import Collector
from django.test.utils import CaptureQueriesContext

from phone_referrals.exceptions import AlreadyRedeemed
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals import once
from phone_referrals.referrals.codes import code_of, rotate
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signals import phone_left
from tests.people import add_users

pytestmark = pytest.mark.django_db


class Customer(get_user_model()):
    """A proxy of the user model, as many a site has one."""

    class Meta:
        proxy = True
        app_label = "nowhere"


def by_collector(user):
    collector = Collector(using="default", origin=Group())  # As another app's deletion that cascades to users.
    collector.collect([user])
    collector.delete()


WAYS = {
    "itself": lambda user: user.delete(),
    "queryset": lambda user: get_user_model().objects.filter(pk=user.pk).delete(),
    "proxy": lambda user: Customer._base_manager.get(pk=user.pk).delete(),
    "proxies": lambda user: Customer._base_manager.filter(pk=user.pk).delete(),
    "another app": by_collector,
}


@pytest.fixture
def middle(make_user):
    """A user who was invited, and has invited another one by an older code."""
    top, user, below = (make_user(number) for number in range(3))
    redeem(user, code_of(top).code)
    redeem(below, code_of(user).code)
    rotate(user)
    return user


@pytest.mark.parametrize("way", WAYS)
def test_a_phone_redeems_once_whatever_deletes_its_user(middle, make_user, way):
    WAYS[way](middle)
    assert not get_user_model().objects.filter(phone_number="+12015550101").exists()
    with pytest.raises(AlreadyRedeemed):
        redeem(make_user(1), code_of(make_user(5)).code)


@pytest.mark.parametrize("way", WAYS)
def test_no_code_of_a_deleted_user_is_left(middle, way):
    WAYS[way](middle)
    assert list(Referral.objects.values_list("referred__phone_number", "referrer", "code")) == [
        ("+12015550102", None, "")
    ]
    assert not ReferralCode.objects.filter(user=middle.pk).exists()


def test_a_referral_that_is_deleted_by_itself_is_undone(middle, make_user):
    Referral.objects.filter(referred=middle).delete()
    assert not RedeemedPhone.objects.exists()
    redeem(middle, code_of(make_user(5)).code)


def test_a_code_that_is_deleted_by_itself_leaves_referrals(middle):
    ReferralCode.objects.filter(user=middle).delete()
    assert Referral.objects.of(middle).exclude(code="").count() == 1


def test_users_without_rows_of_ours_cost_no_statement():
    def statements(users):
        rows = get_user_model().objects.filter(pk__in=[user.pk for user in users])
        with CaptureQueriesContext(connection) as captured:
            rows.delete()
        return len(captured)

    assert statements(add_users(20)) == statements(add_users(1))


def test_a_phone_that_is_left_is_remembered(middle):
    phone_left.send(type(middle), user=middle, phone_number="+12015550101")
    assert RedeemedPhone.objects.get().pk == once.digests_of("+12015550101")[0]
