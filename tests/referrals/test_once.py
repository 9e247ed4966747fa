import sys
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.urls import include, path

from phone_referrals.accounts import get_accounts
from phone_referrals.models import RedeemedPhone, Referral
from phone_referrals.referrals import codes, once
from phone_referrals.referrals.redeem import redeem
from tests.hosts.phone_first.models import Profile

PHONE, OTHER = "+12015550100", "+12015550101"

pytestmark = pytest.mark.django_db


def has_redeemed(user):
    return RedeemedPhone.objects.filter(pk__in=once.digests_of(get_accounts().phone_of(user))).exists()


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


def test_no_phone_is_not_remembered_and_not_refused(redeemer):
    once.remember(redeemer, "")
    assert not RedeemedPhone.objects.exists()
    assert once.digests_of("") == []


def test_what_is_remembered_stays_what_it_is(settings):
    # Another digest would forget who has redeemed.
    settings.SECRET_KEY = "for this test"
    assert once.digests_of(PHONE) == ["f2dc5dd440e4e05656abc2df51fc1df5740646cb16aaded7a7ac78fd61bb2761"]


def test_another_phone_is_not_refused(redeemer, make_user):
    once.remember(redeemer, PHONE)
    assert not has_redeemed(make_user(1))


def test_a_secret_that_is_being_rotated_still_answers(redeemer, settings):
    once.remember(redeemer, PHONE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert has_redeemed(redeemer)
    settings.SECRET_KEY_FALLBACKS = []
    assert not has_redeemed(redeemer)


def change_phone(pk):
    """As `signin.change_phone` does it, in another request."""
    user = get_user_model().objects.get(pk=pk)
    once.remember(user, PHONE)
    get_accounts().set_phone(user, OTHER)


@pytest.fixture
def leaves(settings, monkeypatch):
    """Have a user leave its phone at the moment between the look at it and the writing of the referral."""

    def leave(how):
        monkeypatch.setattr(sys.modules[__name__], "rule", lambda *, user, referral_code: how(user.pk), raising=False)
        settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.rule"]

    return leave


@pytest.fixture
def redeem_while_leaving(make_user, make_people, leaves, django_capture_on_commit_callbacks):
    user, code = make_user(0), codes.code_of(make_people(1)[0]).code
    leaves(change_phone)
    with django_capture_on_commit_callbacks(execute=True):
        redeem(user, code)
    assert Referral.objects.get().referred_id == user.pk
    return make_user(0)


def test_a_phone_that_is_left_while_it_redeems_is_remembered(redeem_while_leaving):
    assert has_redeemed(redeem_while_leaving)


@pytest.fixture
def looks_before_only(monkeypatch):
    monkeypatch.setattr(once, "remember_if_left", lambda user, phone_number: None)


def test_a_phone_left_while_it_redeems_is_forgotten_naively(looks_before_only, redeem_while_leaving):
    assert not has_redeemed(redeem_while_leaving)


@pytest.mark.parametrize("phone_number", ["", PHONE])
def test_a_phone_that_is_kept_is_not_remembered(redeemer, phone_number):
    once.remember_if_left(redeemer, phone_number)
    assert not RedeemedPhone.objects.exists()


def test_a_phone_beside_the_user_that_is_kept_is_not_remembered(redeemer, settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    Profile.objects.create(user=redeemer, phone=PHONE)
    once.remember_if_left(redeemer, PHONE)
    assert not RedeemedPhone.objects.exists()


def test_a_phone_is_remembered_also_where_its_user_is_gone(redeemer, make_user):
    pk = redeemer.pk
    redeemer.delete()
    redeemer.pk = pk
    once.remember_if_left(redeemer, PHONE)
    assert has_redeemed(make_user(0))


def test_without_sign_in_a_phone_column_is_any_text(settings, make_user, people):
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("", include("phone_referrals.referrals.urls"))]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    user = make_user(1)
    redeem(user, "A0")
    user.delete()
    assert not RedeemedPhone.objects.exists()
    redeem(make_user(1), "A0")
