import pytest

from phone_referrals.models import RedeemedPhone
from phone_referrals.referrals import once

PHONE, OTHER = "+12015550100", "+12015550101"

pytestmark = pytest.mark.django_db


def has_redeemed(user):
    return RedeemedPhone.objects.filter(pk__in=once.digests_of(user)).exists()


@pytest.fixture
def redeemer(make_user, make_people, refer):
    user = make_user(0)
    refer(make_people(1)[0], user)
    return user


def test_a_phone_of_who_has_redeemed_is_remembered_once(redeemer):
    once.remember(redeemer, PHONE)
    once.remember(redeemer, PHONE)
    assert RedeemedPhone.objects.count() == 1
    assert has_redeemed(redeemer)


def test_nothing_is_remembered_of_who_has_not(make_user):
    once.remember(make_user(0), PHONE)
    assert not RedeemedPhone.objects.exists()


def test_no_phone_is_not_remembered_and_not_refused(redeemer, django_user_model):
    once.remember(redeemer, "")
    assert not RedeemedPhone.objects.exists()
    assert once.digests_of(django_user_model.objects.create()) == []


def test_another_phone_is_not_refused(redeemer, make_user):
    once.remember(redeemer, PHONE)
    assert not has_redeemed(make_user(1))


def test_a_secret_that_is_being_rotated_still_answers(redeemer, settings):
    once.remember(redeemer, PHONE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert has_redeemed(redeemer)
    settings.SECRET_KEY_FALLBACKS = []
    assert not has_redeemed(redeemer)
