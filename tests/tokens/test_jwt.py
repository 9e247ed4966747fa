from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path as url
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient
from rest_framework_simplejwt import serializers as simplejwt
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from rest_framework_simplejwt.views import TokenRefreshView

from phone_referrals.tokens.jwt import JWTAuthentication, JWTIssuer, TokenRefreshSerializer
from tests.tokens.conftest import status

# Its times are right on a site without time zones, too.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zone_of_the_site")]


@pytest.fixture(autouse=True)
def jwt(use):
    use("jwt")


def refresh(text, serializer_class=TokenRefreshSerializer):
    """Do what SimpleJWT's refresh view does."""
    serializer = serializer_class(data={"refresh": text})
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
    assert AccessToken(access)["family"] == AccessToken(client.answer["token"])["family"]
    assert client.answer["expires_in"] == 300


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_logging_out_ends_all_that_came_of_this_sign_in(sign_in, phone, path):
    client = sign_in(phone)
    refreshed = client_with(refresh(client.answer["refresh"])["access"])
    assert refreshed.post(f"/api/users/{path}/").status_code == 204
    assert [status(each) for each in (client, refreshed)] == [401, 401]
    with pytest.raises(AuthenticationFailed):
        refresh(client.answer["refresh"])


def test_refresh_tokens_that_rotate_end_with_their_family(rotate, sign_in, phone):
    client, device = sign_in(phone), sign_in(phone)
    rotated, other = refresh(client.answer["refresh"]), refresh(device.answer["refresh"])
    # Rotation ends a refresh token, not its family.
    assert [status(each) for each in (client, client_with(rotated["access"]), device)] == [200, 200, 200]
    client_with(rotated["access"]).post("/api/users/logout/")
    assert [status(each) for each in (client, client_with(rotated["access"]), device)] == [401, 401, 200]
    with pytest.raises(AuthenticationFailed):
        refresh(rotated["refresh"])
    device.post("/api/users/logout_all/")
    with pytest.raises(AuthenticationFailed):
        refresh(other["refresh"])


def test_a_refresh_token_is_no_access_token(sign_in, phone):
    assert status(client_with(sign_in(phone).answer["refresh"])) == 401


@pytest.fixture
def log_in(time_machine):
    """Log in as the host's own SimpleJWT view does, a while ago: its two tokens share nothing but user and times."""

    def log_in(user, *, seconds_ago=2):
        time_machine.shift(-seconds_ago)
        pair = RefreshToken.for_user(user)
        client = client_with(pair.access_token)
        time_machine.shift(seconds_ago)
        client.refresh = str(pair)
        return client

    time_machine.move_to(timezone.now(), tick=False)
    return log_in


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_logging_out_ends_the_hosts_own_refresh_token(log_in, make_user, path):
    client, other = log_in(make_user()), log_in(make_user(1))
    access = client_with(refresh(client.refresh)["access"])
    assert client.post(f"/api/users/{path}/").status_code == 204
    assert [status(client), status(access), status(other)] == [401, 401, 200]
    with pytest.raises(AuthenticationFailed, match="ended"):
        refresh(client.refresh)
    assert refresh(other.refresh)


@pytest.mark.parametrize("by", ["logout_all", "change of phone"])
def test_logging_out_everywhere_ends_the_hosts_own_logins(log_in, user_of, sign_in, phone, other_phone, last_code, by):
    me = sign_in(phone)
    host = log_in(user_of(me))
    if by == "logout_all":
        assert me.post("/api/users/logout_all/").status_code == 204
    else:
        me.post("/api/users/me/phone/get_verify_code/", {"phone_number": other_phone})
        answer = me.post("/api/users/me/phone/", {"phone_number": other_phone, "code": last_code(other_phone)}).json()
        # The clock has not moved: what the change itself issues lives on.
        assert status(client_with(answer["token"])) == 200
        assert status(client_with(refresh(answer["refresh"])["access"])) == 200
    assert [status(me), status(host)] == [401, 401]
    for text in (me.answer["refresh"], host.refresh):
        with pytest.raises(AuthenticationFailed, match="ended"):
            refresh(text)


def test_what_was_signed_in_for_after_the_end_lives(log_in, user_of, sign_in, phone, time_machine):
    me = sign_in(phone)
    me.post("/api/users/logout_all/")
    again = sign_in(phone)
    time_machine.shift(2)
    assert [status(me), status(again), status(log_in(user_of(again), seconds_ago=0))] == [401, 200, 200]


def test_an_end_is_an_end_whatever_the_clocks_say(user_of, sign_in, phone, time_machine):
    """The server that signs a user in may be ahead of the one that ends the tokens."""
    time_machine.move_to(timezone.now(), tick=False)
    client = sign_in(phone)
    time_machine.shift(-1)
    JWTIssuer().revoke_all(user_of(client))
    assert [status(client), status(sign_in(phone))] == [401, 200]


def test_who_came_without_a_token_ends_none_by_leaving(sign_in, phone):
    client = sign_in(phone)
    browser = APIClient()
    browser.force_authenticate(JWTAuthentication().get_user(AccessToken(client.answer["token"])))
    browser.post("/api/users/logout/")
    assert status(client) == 200


def test_without_a_token_all_earlier_ones_are_ended(sign_in, phone):
    client = sign_in(phone)

    class Request:
        auth = None
        user = JWTAuthentication().get_user(AccessToken(client.answer["token"]))

    assert JWTIssuer(Request).revoke_others(Request.user) == {}
    assert JWTIssuer(Request).signed_in_at(Request.user) is None
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
    assert status(client_with(JWTIssuer(Request).revoke_others(Request.user)["token"])) == 200


def test_what_was_ended_is_forgotten_once_no_token_can_live(sign_in, phone, time_machine):
    sign_in(phone).post("/api/users/logout_all/")
    time_machine.move_to("2040-01-01")
    call_command("flushexpiredtokens")
    assert not OutstandingToken.objects.exists()


@pytest.fixture
def end_while_refreshing(rotate, sign_in, phone, monkeypatch):
    """End a sign-in after a refresh has found that it goes on, and before the new token is written."""

    def end_while_refreshing(path, serializer_class):
        client, outstand = sign_in(phone), RefreshToken.outstand

        def outstand_late(token):
            monkeypatch.setattr(RefreshToken, "outstand", outstand)
            assert client.post(f"/api/users/{path}/").status_code == 204
            return outstand(token)

        monkeypatch.setattr(RefreshToken, "outstand", outstand_late)
        return refresh(client.answer["refresh"], serializer_class)

    return end_while_refreshing


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_a_refresh_that_began_before_the_end_gives_nothing(end_while_refreshing, path):
    with pytest.raises(AuthenticationFailed, match="ended"):
        end_while_refreshing(path, TokenRefreshSerializer)


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_a_refresh_from_before_the_end_goes_on_naively(end_while_refreshing, path):
    late = end_while_refreshing(path, simplejwt.TokenRefreshSerializer)
    # The package's own calls know its family; where it goes to after that, ours refuses it.
    assert status(client_with(late["access"])) == 401
    with pytest.raises(AuthenticationFailed, match="ended"):
        refresh(late["refresh"])
    assert refresh(late["refresh"], simplejwt.TokenRefreshSerializer).keys() == {"access", "refresh"}


def test_an_ended_family_is_known_longer_than_its_tokens_live(end_while_refreshing, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    late = end_while_refreshing("logout_all", simplejwt.TokenRefreshSerializer)
    time_machine.shift(api_settings.REFRESH_TOKEN_LIFETIME - timedelta(seconds=1))
    last = refresh(late["refresh"], simplejwt.TokenRefreshSerializer)
    time_machine.shift(timedelta(seconds=2))
    call_command("flushexpiredtokens")
    assert status(client_with(last["access"])) == 401


def test_an_access_token_may_outlive_its_refresh_token(sign_in, phone, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    client = sign_in(phone)
    time_machine.shift(api_settings.REFRESH_TOKEN_LIFETIME - timedelta(seconds=1))
    last = client_with(refresh(client.answer["refresh"])["access"])
    time_machine.shift(timedelta(seconds=2))
    assert status(last) == 200
    assert sign_in(phone).post("/api/users/logout_all/").status_code == 204
    assert status(last) == 401


def test_simplejwts_view_refuses_what_was_ended(sign_in, phone, rf):
    client = sign_in(phone)
    client.post("/api/users/logout/")
    view = TokenRefreshView.as_view(serializer_class=TokenRefreshSerializer)
    answer = view(rf.post("/", {"refresh": client.answer["refresh"]}))
    assert (answer.status_code, answer.data["detail"]) == (401, "This token has been ended.")


def test_refreshing_is_described_as_with_simplejwts_serializer():
    views = [
        TokenRefreshView.as_view(serializer_class=each)
        for each in (TokenRefreshSerializer, simplejwt.TokenRefreshSerializer)
    ]
    ours, theirs = (SchemaGenerator(patterns=[url("", each)]).get_schema(request=None, public=True) for each in views)
    assert ours["components"]["schemas"] == theirs["components"]["schemas"]


def test_who_was_deleted_refreshes_nothing(sign_in, phone, user_of):
    client = sign_in(phone)
    user_of(client).delete()
    with pytest.raises(AuthenticationFailed, match="not found"):
        refresh(client.answer["refresh"])


def test_who_is_deleted_during_a_refresh_gets_nothing(sign_in, phone, monkeypatch):
    client = sign_in(phone)

    def validate(serializer, attrs):
        raise get_user_model().DoesNotExist

    monkeypatch.setattr(simplejwt.TokenRefreshSerializer, "validate", validate)
    with pytest.raises(AuthenticationFailed, match="ended"):
        refresh(client.answer["refresh"])


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_ending_costs_no_more_after_many_refreshes(rotate, sign_in, phone, path):
    counts = []
    for rotations in (1, 20):
        answer = sign_in(phone).answer
        text, access = answer["refresh"], answer["token"]
        for _ in range(rotations):
            rotated = refresh(text)
            text, access = rotated["refresh"], rotated["access"]
        with CaptureQueriesContext(connection) as statements:
            assert client_with(access).post(f"/api/users/{path}/").status_code == 204
        counts.append(len(statements))
        with pytest.raises(AuthenticationFailed):
            refresh(text)
    assert counts[0] == counts[1]


def test_ending_costs_no_more_on_many_devices(sign_in, phone):
    counts = []
    for devices in (1, 5):
        clients = [sign_in(phone) for _ in range(devices)]
        with CaptureQueriesContext(connection) as statements:
            clients[0].post("/api/users/logout_all/")
        counts.append(len(statements))
        assert [status(client) for client in clients] == [401] * devices
    assert counts[0] == counts[1]
