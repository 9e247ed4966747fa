import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, TokenError

from phone_referrals.tokens.jwt import JWTAuthentication, JWTIssuer, family_of
from tests.tokens.conftest import status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def jwt(use):
    use("jwt")


def refresh(text):
    """Do what SimpleJWT's refresh view does."""
    serializer = TokenRefreshSerializer(data={"refresh": text})
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def client_with(access):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


@pytest.fixture
def rotate(monkeypatch):
    monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", True)
    monkeypatch.setattr(api_settings, "BLACKLIST_AFTER_ROTATION", True)


def test_a_refresh_token_gives_access_tokens_of_its_family(sign_in, phone):
    client = sign_in(phone)
    access = refresh(client.answer["refresh"])["access"]
    assert status(client_with(access)) == 200
    assert family_of(AccessToken(access)) == family_of(AccessToken(client.answer["token"]))
    assert client.answer["expires_in"] == 300


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_logging_out_ends_all_that_came_of_this_sign_in(sign_in, phone, path):
    client = sign_in(phone)
    refreshed = client_with(refresh(client.answer["refresh"])["access"])
    assert refreshed.post(f"/api/users/{path}/").status_code == 204
    assert [status(each) for each in (client, refreshed)] == [401, 401]
    with pytest.raises(TokenError):
        refresh(client.answer["refresh"])


def test_refresh_tokens_that_rotate_end_with_their_family(rotate, sign_in, phone):
    client, device = sign_in(phone), sign_in(phone)
    rotated, other = refresh(client.answer["refresh"]), refresh(device.answer["refresh"])
    # Rotation ends a refresh token, not its family.
    assert [status(each) for each in (client, client_with(rotated["access"]), device)] == [200, 200, 200]
    client_with(rotated["access"]).post("/api/users/logout/")
    assert [status(each) for each in (client, client_with(rotated["access"]), device)] == [401, 401, 200]
    with pytest.raises(TokenError):
        refresh(rotated["refresh"])
    device.post("/api/users/logout_all/")
    with pytest.raises(TokenError):
        refresh(other["refresh"])


def test_a_refresh_token_is_no_access_token(sign_in, phone):
    assert status(client_with(sign_in(phone).answer["refresh"])) == 401


def test_a_token_that_the_host_has_made_in_another_way_is_ended_too(make_user):
    pair = RefreshToken.for_user(make_user())
    client, other = client_with(pair.access_token), client_with(RefreshToken.for_user(make_user(1)).access_token)
    assert status(client) == 200
    assert client.post("/api/users/logout/").status_code == 204
    assert client.post("/api/users/logout/").status_code == 401
    assert [status(client), status(other)] == [401, 200]


def test_who_came_without_a_token_ends_none_by_leaving(sign_in, phone):
    client = sign_in(phone)
    browser = APIClient()
    browser.force_authenticate(JWTAuthentication().get_user(AccessToken(client.answer["token"])))
    browser.post("/api/users/logout/")
    assert status(client) == 200


def test_all_and_no_new_ones_are_ended_for_who_came_without_a_token(sign_in, phone):
    client = sign_in(phone)

    class Request:
        auth = None
        user = JWTAuthentication().get_user(AccessToken(client.answer["token"]))

    assert JWTIssuer().revoke_others(Request) == {}
    assert JWTIssuer().signed_in_at(Request) == Request.user.last_login
    assert status(client) == 401


def test_tokens_that_are_bound_to_the_password_are_made_anew(monkeypatch, sign_in, phone):
    monkeypatch.setattr(api_settings, "CHECK_REVOKE_TOKEN", True)
    client = sign_in(phone)

    class Request:
        _request = None
        auth = AccessToken(client.answer["token"])
        user = JWTAuthentication().get_user(auth)

    Request.user.set_unusable_password()
    Request.user.save()
    assert status(client) == 401
    assert status(client_with(JWTIssuer().revoke_others(Request)["token"])) == 200


def test_what_has_ended_long_ago_is_not_looked_at(sign_in, phone, time_machine):
    client = sign_in(phone)
    time_machine.move_to("2040-01-01")
    JWTIssuer().revoke_all(JWTAuthentication().user_model.objects.get())
    assert not BlacklistedToken.objects.exists()
    assert status(client) == 401
