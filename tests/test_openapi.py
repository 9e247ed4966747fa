import pytest
from django.core.checks import run_checks
from django.db import models
from django.test.utils import modify_settings
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView

from phone_referrals import openapi
from phone_referrals.profiles import serializers as ours


@pytest.fixture
def schema():
    """The description of the test site's API, made without a warning."""
    reset_generator_stats()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    return schema


def test_every_call_is_described_under_a_name_of_its_own(schema):
    calls = {f"{method} {path}": call for path, item in schema["paths"].items() for method, call in item.items()}
    names = {name: call["operationId"].removeprefix("phone_referrals_") for name, call in calls.items()}
    assert names == {
        "get /api/referrals/": "get_referrals",
        "get /api/referrals/invitees/": "list_own_invitees",
        "post /api/referrals/referral_code/": "redeem_referral_code",
        "get /api/users/": "list_users",
        "get /api/users/me/": "get_me",
        "get /api/users/{id}/": "get_user",
        "get /api/users/{id}/invitees/": "list_invitees",
        "post /api/users/auth/": "sign_in",
        "post /api/users/get_verify_code/": "get_verify_code",
        "post /api/users/logout/": "log_out",
        "post /api/users/logout_all/": "log_out_all",
        "post /api/users/me/phone/get_verify_code/": "get_change_phone_code",
        "post /api/users/me/phone/": "change_phone",
        "post /api/users/me/get_verify_code/": "get_delete_account_code",
        "post /api/users/me/delete/": "delete_account",
        "get /api/users/me/sessions/": "list_sessions",
        "post /api/users/me/sessions/{id}/end/": "end_session",
        "post /api/users/me/sessions/end_others/": "end_other_sessions",
    }
    assert all(call["responses"].keys() & {"200", "201", "204"} for call in calls.values())


def test_only_signing_in_needs_no_token(schema):
    calls = [call for item in schema["paths"].values() for call in item.values()]
    assert {call["operationId"] for call in calls if "security" not in call} == {
        "phone_referrals_get_verify_code",
        "phone_referrals_sign_in",
    }


class UserSerializer(serializers.Serializer):
    nickname = serializers.CharField()


class ProfileSerializer(serializers.Serializer):
    user = UserSerializer()


class ErrorSerializer(serializers.Serializer):
    reason = serializers.CharField()


class OwnProfileSerializer(ours.ProfileSerializer):
    nickname = serializers.CharField()


class HostsView(GenericAPIView):
    serializer_class = ProfileSerializer

    @extend_schema(operation_id="get_me", responses={200: ProfileSerializer, 400: ErrorSerializer})
    def get(self, request):
        raise NotImplementedError

    @extend_schema(operation_id="sign_in", responses=OwnProfileSerializer)
    def post(self, request):
        raise NotImplementedError


urlpatterns = [path("ours/", include("phone_referrals.urls")), path("me/", HostsView.as_view())]


def test_no_name_of_a_host_is_replaced_by_one_of_ours(settings):
    settings.ROOT_URLCONF = __name__
    reset_generator_stats()
    schema = SchemaGenerator(urlconf=__name__).get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    hosts = schema["components"]["schemas"]
    assert list(hosts["User"]["properties"]) == ["nickname"]
    assert list(hosts["Error"]["properties"]) == ["reason"]
    assert {"User", "Profile", "Error", "OwnProfile"} == {
        each for each in hosts if not each.startswith("PhoneReferrals") and each != "TokenRefresh"
    }
    assert schema["paths"]["/me/"]["get"]["operationId"] == "get_me"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (models.BigAutoField(), {"type": "integer", "format": "int64"}),
        (models.UUIDField(), {"type": "string", "format": "uuid"}),
        (models.CharField(), {"type": "string"}),
    ],
)
def test_a_user_s_id_is_of_the_type_of_the_host_s_key(key, expected, monkeypatch, django_user_model):
    monkeypatch.setattr(django_user_model._meta, "pk", key)
    assert openapi.KeyFieldSchema(None).map_serializer_field(None, "response") == expected


@pytest.mark.django_db
def test_a_host_need_not_have_drf_spectacular():
    with modify_settings(INSTALLED_APPS={"remove": ["drf_spectacular"]}):
        assert run_checks() == []
