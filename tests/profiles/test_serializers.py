import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import resolve
from rest_framework.authentication import SessionAuthentication, TokenAuthentication

from phone_referrals.models import Referral
from phone_referrals.profiles import queries
from phone_referrals.profiles.serializers import (
    InviteeSerializer,
    ProfileSerializer,
    RedeemSerializer,
    UserSerializer,
)
from tests.people import add_users

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen_by(rf):
    """Read something with the eyes of a user."""

    def seen_by(reader, instance, serializer=UserSerializer, path="/api/users/me/", by=SessionAuthentication):
        request = rf.get(path)
        request.user, request.successful_authenticator = reader, by()
        request.resolver_match = resolve(path)
        return serializer(instance, context={"request": request}).data

    return seen_by


@pytest.mark.parametrize(
    ("attributes", "by", "sees"),
    [
        ({}, SessionAuthentication, "+1 *** *** **01"),
        ({"is_superuser": True}, SessionAuthentication, "+1 *** *** **01"),
        ({"is_staff": True}, SessionAuthentication, "+12015550101"),
        ({"is_staff": True}, TokenAuthentication, "+1 *** *** **01"),
    ],
)
def test_who_sees_the_number_of_somebody_else(make_user, seen_by, attributes, by, sees):
    reader, other = make_user(0), make_user(1)
    vars(reader).update(attributes)
    assert seen_by(reader, other, by=by) == {"id": other.pk, "phone_number": sees}
    assert seen_by(reader, reader)["phone_number"] == "+12015550100"


def test_nobody_sees_no_number_and_no_code(make_user, seen_by):
    user = make_user()
    assert seen_by(AnonymousUser(), user)["phone_number"] == "+1 *** *** **00"
    assert seen_by(AnonymousUser(), queries.profiles().get(), ProfileSerializer)["referral_code"] is None


def test_a_user_without_a_phone_has_an_empty_number(make_user, seen_by):
    (user,) = add_users(1)
    assert seen_by(make_user(), user)["phone_number"] == ""
    assert seen_by(user, user)["phone_number"] == ""


def test_an_invitee_is_masked_for_the_referrer(make_user, seen_by):
    owner, invited = make_user(0), make_user(1)
    referral = Referral.objects.create(referred=invited, referrer=owner, code="X")
    shown = seen_by(owner, referral, InviteeSerializer)
    assert set(shown) == {"id", "phone_number", "created_at"}
    assert shown["phone_number"] == "+1 *** *** **01"
    assert seen_by(invited, referral, InviteeSerializer)["phone_number"] == "+12015550101"


def test_the_link_is_that_of_the_host(make_user, seen_by, settings):
    user = make_user()
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://app.example/join/{code}"
    shown = seen_by(user, queries.profiles().get(), ProfileSerializer)
    assert shown["referral_link"] == f"https://app.example/join/{shown['referral_code']}"


@pytest.mark.parametrize("code", ["", " ", None, 501 * "A", [], True])
def test_a_referral_code_to_redeem_is_a_short_text(code):
    assert not RedeemSerializer(data={"referral_code": code}).is_valid()
