import pytest
from django.core.management import call_command
from knox.models import AuthToken
from rest_framework.test import APIClient

from phone_referrals.models import UserSession
from phone_referrals.tokens import get_issuer
from tests.tokens.conftest import status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def knox(use):
    use("knox")


def test_only_a_hash_of_the_token_is_kept(sign_in, phone):
    token = sign_in(phone).answer["token"]
    kept = AuthToken.objects.values().get() | UserSession.objects.values().get()
    assert token not in str(kept)
    assert len(token) == 64


@pytest.mark.parametrize(("ttl", "expected"), [(None, None), ("10 hours", 36000)])
def test_the_answer_says_how_long_the_token_lives(settings, sign_in, phone, ttl, expected):
    if ttl is None:
        settings.REST_KNOX = {"TOKEN_TTL": None}
    assert sign_in(phone).answer["expires_in"] == expected


def test_the_scheme_is_the_one_that_knox_is_set_to(settings, sign_in, phone):
    settings.REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer"}
    client = sign_in(phone)
    assert client.answer["token_type"] == "Bearer"
    assert status(client) == 200


def test_the_oldest_make_room_where_a_user_may_have_so_many(settings, sign_in, phone, other_phone):
    settings.REST_KNOX = {"TOKEN_LIMIT_PER_USER": 2}
    clients = [sign_in(phone) for _ in range(4)]
    assert [status(client) for client in clients] == [401, 401, 200, 200]
    assert status(sign_in(other_phone)) == 200


def test_what_knox_has_deleted_is_forgotten_at_the_next_sign_in(sign_in, phone):
    sign_in(phone)
    AuthToken.objects.all().delete()
    assert UserSession.objects.count() == 1
    sign_in(phone)
    assert list(UserSession.objects.values_list("key", flat=True)) == [AuthToken.objects.get().digest]


def test_a_token_that_the_host_has_made_is_listed_too(make_user):
    user = make_user()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user=user)[1]}")
    (session,) = client.get("/api/users/me/sessions/").json()["results"]
    assert (session["user_agent"], session["is_current"]) == ("", True)


def test_who_came_without_a_token_ends_none_by_leaving(sign_in, phone, make_user):
    """As on a host that has its own way in beside this one."""
    client = sign_in(phone)
    staff = APIClient()
    user = AuthToken.objects.get().user
    staff.force_authenticate(user)
    assert staff.post("/api/users/logout/").status_code == 204
    assert status(client) == 200
    assert [each["is_current"] for each in staff.get("/api/users/me/sessions/").json()["results"]] == [False]


def test_knox_need_not_be_there_for_other_kinds(settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.DRFTokenIssuer"
    assert get_issuer().lists_sessions is False
    call_command("check")
