"""What a host does with our views: specimens of subclasses, each of a few lines, at URLs of their own."""

import pytest
from django.http import Http404
from django.urls import include, path
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny, IsAdminUser

from phone_referrals.models import Referral
from phone_referrals.profiles.serializers import AuthSerializer, ProfileSerializer, SignedInSerializer
from phone_referrals.profiles.views import (
    AuthView,
    MeView,
    RedeemView,
    UserDetailView,
    UserListView,
    get_user_or_404,
)
from phone_referrals.referrals.codes import code_of
from phone_referrals.signin.serializers import GetVerifyCodeSerializer, UserSerializer
from phone_referrals.signin.views import GetVerifyCodeView
from tests.people import add_invitees, add_users

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ProfileWithDate(ProfileSerializer):
    joined = serializers.DateTimeField(source="date_joined")


class MeWithDate(MeView):
    serializer_class = ProfileWithDate


class RedeemWithDate(RedeemView):
    answer_serializer_class = ProfileWithDate


class OpenUser(UserSerializer):
    def may_see_all_of(self, user):
        return True


class OpenUserList(UserListView):
    serializer_class = OpenUser


class StaffDetail(UserDetailView):
    permission_classes = (IsAdminUser,)


class PublicDetail(UserDetailView):
    permission_classes = (AllowAny,)


class WithCaptcha(GetVerifyCodeSerializer):
    captcha = serializers.CharField()


class GuardedGetVerifyCode(GetVerifyCodeView):
    serializer_class = WithCaptcha

    def act(self, data):
        if data["captcha"] != "human":
            raise PermissionDenied
        return super().act(data)


class WithName(AuthSerializer):
    name = serializers.CharField(default="")


class WithGreeting(SignedInSerializer):
    greeting = serializers.CharField(source="user.greeting")


class Greeting(AuthView):
    serializer_class = WithName
    answer_serializer_class = WithGreeting

    def sign_in(self, data):
        signed_in = super().sign_in(data)
        signed_in.user.greeting = f"Hello, {data['name']}!"
        return signed_in


urlpatterns = [
    path("api/users/get_verify_code/", GuardedGetVerifyCode.as_view()),
    path("api/users/auth/", Greeting.as_view()),
    path("api/users/me/", MeWithDate.as_view()),
    path("api/referrals/referral_code/", RedeemWithDate.as_view()),
    path("open/users/", OpenUserList.as_view()),
    path("staff/users/<str:pk>/", StaffDetail.as_view()),
    path("public/users/<str:pk>/", PublicDetail.as_view()),
    path("api/", include("phone_referrals.urls")),
]


@pytest.fixture
def me(api, make_user):
    api.user = make_user()
    api.force_authenticate(api.user)
    return api


def test_a_serializer_of_the_host_adds_a_field(me):
    assert set(me.get("/api/users/me/").json()) >= {"joined", "invitees", "referral_code"}


def test_a_profile_of_the_host_answers_a_redeemed_code(me, make_user):
    code = code_of(make_user(1)).code
    response = me.post("/api/referrals/referral_code/", {"referral_code": code})
    assert response.status_code == 201
    assert "joined" in response.json()
    assert Referral.objects.get().referred == me.user


def test_pages_of_a_view_outside_of_ours_go_on_in_ours(me):
    add_invitees(me.user, 21)
    following = me.get("/api/users/me/").json()["invitees"]["next"]
    assert following.startswith(f"http://testserver/api/users/{me.user.pk}/invitees/?cursor=")
    assert len(me.get(following).json()["results"]) == 1


@pytest.mark.usefixtures("open_list")
def test_a_serializer_of_the_host_may_show_numbers(me, make_user):
    make_user(1)
    answer = me.get("/open/users/").json()
    assert [user["phone_number"] for user in answer["results"]] == ["+12015550101", "+12015550100"]


@pytest.mark.usefixtures("open_list")
def test_a_list_of_the_host_goes_on_at_its_own_address(me):
    add_users(25)
    following = me.get("/open/users/").json()["next"]
    assert following.startswith("http://testserver/open/users/?cursor=")
    assert len(me.get(following).json()["results"]) == 6


def test_permissions_of_the_host_replace_ours(me, api, make_user):
    path = f"users/{make_user(1).pk}/"
    assert me.get(f"/staff/{path}").status_code == 403
    me.user.is_staff = True
    assert me.get(f"/staff/{path}").status_code == 200


def test_a_profile_that_a_host_makes_public_is_masked(api, make_user):
    user = make_user(1)
    profile = api.get(f"/public/users/{user.pk}/").json()
    assert (profile["phone_number"], profile["referral_code"]) == ("+1 *** *** **01", None)


def test_a_captcha_of_the_host_guards_the_messages(api, phone, outbox):
    ask = "/api/users/get_verify_code/"
    assert list(api.post(ask, {"phone_number": phone}).json()) == ["captcha"]
    assert api.post(ask, {"phone_number": phone, "captcha": "robot"}).status_code == 403
    assert outbox == []
    assert api.post(ask, {"phone_number": phone, "captcha": "human"}).status_code == 200
    assert len(outbox) == 1


def test_a_sign_in_of_the_host_reads_and_answers_more(api, phone, send_code):
    data = {"phone_number": phone, "code": send_code(phone), "name": "Ada"}
    response = api.post("/api/users/auth/", data)
    assert response.status_code == 201
    assert response.json()["greeting"] == "Hello, Ada!"
    assert response.json()["user"]["phone_number"] == phone


# Statements, with the one that reads who is asking: as many as the design says, however many users there are.


@pytest.fixture
def by_token(sign_in, phone):
    client = sign_in(phone)
    client.id = client.answer["user"]["id"]
    client.get("/api/referrals/")  # The first look makes the code.
    return client


@pytest.mark.usefixtures("open_list")
@pytest.mark.urls("tests.urls")
@pytest.mark.parametrize("people", [0, 30])
@pytest.mark.parametrize(
    ("address", "most"),
    [("users/", 4), ("users/{id}/", 4), ("users/me/", 4), ("users/{id}/invitees/", 4), ("referrals/", 4)],
)
def test_reading_has_few_statements(by_token, make_user, django_assert_max_num_queries, address, most, people):
    user = make_user(1)
    code_of(user)
    add_users(people)
    add_invitees(user, people)
    with django_assert_max_num_queries(most):
        assert by_token.get("/api/" + address.format(id=user.pk)).status_code == 200


@pytest.mark.urls("tests.urls")
@pytest.mark.parametrize("people", [0, 30])
def test_ones_own_profile_has_few_statements_too(by_token, django_assert_max_num_queries, people):
    user = Referral._meta.get_field("referred").related_model.objects.get(pk=by_token.id)
    add_invitees(user, people)
    with django_assert_max_num_queries(4):
        assert by_token.get("/api/users/me/").json()["invitees"]["count"] == people


@pytest.mark.urls("tests.urls")
def test_a_user_deleted_while_entering_a_code_is_not_found(by_token, make_user, monkeypatch):
    monkeypatch.setattr("phone_referrals.referrals.views.redeem", lambda user, code: type(user).objects.all().delete())
    answer = by_token.post("/api/referrals/referral_code/", {"referral_code": code_of(make_user(1)).code})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_key_with_a_nul_byte_is_not_looked_for():
    """Where keys are texts, PostgreSQL would refuse the statement."""
    with pytest.raises(Http404):
        get_user_or_404(None, "a\0b")
