import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import resolve
from rest_framework.authentication import SessionAuthentication

from phone_referrals.models import Referral
from phone_referrals.profiles import queries
from phone_referrals.profiles.serializers import AuthSerializer, InviteeSerializer, ProfileSerializer

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen_by(rf):
    """Read something with the eyes of a user."""

    def seen_by(reader, instance, serializer=ProfileSerializer, path="/api/users/me/"):
        request = rf.get(path)
        request.user, request.successful_authenticator = reader, SessionAuthentication()
        request.resolver_match = resolve(path)
        return serializer(instance, context={"request": request}).data

    return seen_by


def test_nobody_sees_no_number_and_no_code(make_user, seen_by):
    make_user()
    shown = seen_by(AnonymousUser(), queries.profiles().get())
    assert (shown["phone_number"], shown["referral_code"]) == ("+1 *** *** **00", None)


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
    shown = seen_by(user, queries.profiles().get())
    assert shown["referral_link"] == f"https://app.example/join/{shown['referral_code']}"


def auth_serializer(**data):
    serializer = AuthSerializer(data={"phone_number": "+12015550100", "code": "123456", **data})
    serializer.is_valid()
    return serializer


@pytest.mark.parametrize(
    ("data", "referral_code"), [({}, None), ({"referral_code": ""}, ""), ({"referral_code": " a b "}, "a b")]
)
def test_a_referral_code_may_be_left_out(data, referral_code):
    assert auth_serializer(**data).validated_data.get("referral_code") == referral_code


def test_a_referral_code_has_a_greatest_length():
    (error,) = auth_serializer(referral_code="A" * 501).errors["referral_code"]
    assert error.code == "max_length"
