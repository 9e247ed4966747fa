import pytest
from django.core.checks import run_checks
from django.db import models
from django.test.utils import modify_settings
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

from phone_referrals import openapi


@pytest.fixture
def schema():
    """The description of the test site's API, made without a warning."""
    reset_generator_stats()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    return schema


def test_every_call_is_described_under_a_name_of_its_own(schema):
    calls = {f"{method} {path}": call for path, item in schema["paths"].items() for method, call in item.items()}
    assert {name: call["operationId"] for name, call in calls.items()} == {
        "get /api/referrals/": "get_referrals",
        "post /api/referrals/referral_code/": "redeem_referral_code",
        "get /api/users/": "list_users",
        "get /api/users/me/": "get_me",
        "get /api/users/{id}/": "get_user",
        "get /api/users/{id}/invitees/": "list_invitees",
        "post /api/users/auth/": "sign_in",
        "post /api/users/get_verify_code/": "get_verify_code",
        "post /api/users/logout/": "log_out",
        "post /api/users/logout_all/": "log_out_all",
        "get /api/users/me/sessions/": "list_sessions",
        "post /api/users/me/sessions/{id}/end/": "end_session",
        "post /api/users/me/sessions/end_others/": "end_other_sessions",
    }
    assert all(call["responses"].keys() & {"200", "201", "204"} for call in calls.values())


def test_only_signing_in_needs_no_token(schema):
    calls = [call for item in schema["paths"].values() for call in item.values()]
    assert {call["operationId"] for call in calls if "security" not in call} == {"get_verify_code", "sign_in"}


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
