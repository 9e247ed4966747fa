"""The main HTTP contract, over each kind of token: what a client does is the same, whatever its token is."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.checks import run_checks
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from phone_referrals.tokens import get_issuer
from tests.tokens.conftest import ISSUERS, Handler, status

pytestmark = pytest.mark.django_db

ANSWERS = {
    "drf": ("Token", set()),
    "knox": ("Token", {"expires_in"}),
    "jwt": ("Bearer", {"refresh", "expires_in"}),
    "session": ("session", set()),
}
SCHEMES = {"drf": "Token", "knox": "Token", "jwt": 'Bearer realm="api"', "session": "Session"}


@pytest.fixture(params=ISSUERS, autouse=True)
def kind(request, use):
    use(request.param)
    return request.param


@pytest.fixture
def me(sign_in, phone):
    return sign_in(phone)


@pytest.fixture
def friend(sign_in, other_phone):
    client = sign_in(other_phone)
    client.code = client.get("/api/users/me/").json()["referral_code"]
    return client


def test_the_first_sign_in_is_201_and_the_next_200(kind, api, phone, last_code):
    token_type, more = ANSWERS[kind]
    for expected in (201, 200):
        api.post("/api/users/get_verify_code/", {"phone_number": phone})
        response = api.post("/api/users/auth/", {"phone_number": phone, "code": last_code(phone)})
        assert response.status_code == expected
        answer = response.json()
        assert answer.keys() == {"token", "token_type", "created", "user", "referral"} | more
        assert answer["token_type"] == token_type
        assert answer["created"] is (expected == 201)
        assert bool(answer["token"]) is (kind != "session")


def test_a_sign_in_opens_the_api_and_nothing_else_does(kind, me, api, phone):
    assert me.get("/api/users/me/").json()["phone_number"] == phone
    for path in ("users/me/", "users/", "referrals/"):
        assert status(me, path) == 200
        refused = api.get(f"/api/{path}")
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, SCHEMES[kind])


@pytest.mark.parametrize(
    "header", ["Token x", "Bearer x", "Bearer a.b.c", "Token", "Bearer", "Bearer a b", "Session x"]
)
def test_a_token_that_is_not_ours_is_401(api, header):
    assert api.get("/api/users/me/", headers={"authorization": header}).status_code == 401


def test_a_code_is_redeemed_and_both_see_it(me, friend, phone):
    redeemed = me.post("/api/referrals/referral_code/", {"referral_code": friend.code})
    assert redeemed.status_code == 201
    assert redeemed.json()["referred_by"]["id"] == friend.answer["user"]["id"]
    assert [each["id"] for each in friend.get("/api/users/me/").json()["invitees"]["results"]] == [
        me.answer["user"]["id"]
    ]
    assert me.post("/api/referrals/referral_code/", {"referral_code": friend.code}).status_code == 409


def test_a_code_is_redeemed_on_the_way_in(sign_in, friend, phone):
    assert sign_in(phone, referral_code=friend.code).answer["referral"]["redeemed"] is True


def test_a_wrong_code_signs_nobody_in(kind, api, phone, last_code):
    api.post("/api/users/get_verify_code/", {"phone_number": phone})
    wrong = f"{(int(last_code(phone)) + 1) % 10**6:06}"
    refused = api.post("/api/users/auth/", {"phone_number": phone, "code": wrong})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_code")
    assert status(api) == 401


def test_logging_out_ends_this_one(kind, me, sign_in, phone):
    device = sign_in(phone)
    assert me.post("/api/users/logout/").status_code == 204
    assert status(me) == 401
    # Django REST framework's token is the same on every device.
    assert status(device) == (401 if kind == "drf" else 200)
    assert status(sign_in(phone)) == 200


def test_logging_out_everywhere_ends_all_of_this_user_alone(me, friend, sign_in, phone):
    device = sign_in(phone)
    assert me.post("/api/users/logout_all/").status_code == 204
    assert [status(client) for client in (me, device, friend, sign_in(phone))] == [401, 401, 200, 200]


def test_the_others_are_ended_and_one_goes_on(me, friend, sign_in, phone, user_of):
    device = sign_in(phone)
    handler = Handler(device, lambda request: get_issuer(request).revoke_others(request.user))
    given = handler.answer
    assert status(me) == 401
    assert status(friend) == 200
    if given:
        assert status(device) == 401
        device.credentials(HTTP_AUTHORIZATION=f"{get_issuer().token_type} {given['token']}")
    assert status(device) == 200


def test_a_user_who_is_disabled_is_out_at_once(me, friend, user_of):
    user = user_of(me)
    user.is_active = False
    user.save()
    assert [status(me), status(friend)] == [401, 200]


def test_a_user_who_is_deleted_is_out_at_once(me, friend, user_of):
    user_of(me).delete()
    assert [status(me), status(friend)] == [401, 200]


def test_when_this_token_was_signed_in_for_is_known_or_unknown(kind, me, sign_in, phone, time_machine):
    """A sign-in elsewhere makes nobody fresh who holds an old token: a kind that cannot tell says so."""
    time_machine.move_to(datetime.now(UTC), tick=True)
    first = Handler(me, lambda request: get_issuer(request).signed_in_at(request.user)).answer
    time_machine.shift(200)
    again = sign_in(phone)
    old, new = (
        Handler(client, lambda request: get_issuer(request).signed_in_at(request.user)).answer for client in (me, again)
    )
    if kind == "drf":
        assert (first, old, new) == (None, None, None)
    else:
        assert old == first
        assert 190 < (new - first).total_seconds() < 210


def test_django_hears_of_it_once(kind, api, phone, last_code):
    heard = []
    signals = {"in": user_logged_in, "out": user_logged_out, "failed": user_login_failed}
    receivers = [lambda name=name, **kwargs: heard.append(name) for name in signals]
    for signal, receiver in zip(signals.values(), receivers, strict=True):
        signal.connect(receiver)
    try:
        api.post("/api/users/get_verify_code/", {"phone_number": phone})
        code = last_code(phone)
        api.post("/api/users/auth/", {"phone_number": phone, "code": f"{(int(code) + 1) % 10**6:06}"})
        answer = api.post("/api/users/auth/", {"phone_number": phone, "code": code}).json()
        if answer["token"]:
            api.credentials(HTTP_AUTHORIZATION=f"{answer['token_type']} {answer['token']}")
        api.post("/api/users/logout/")
    finally:
        for signal, receiver in zip(signals.values(), receivers, strict=True):
            signal.disconnect(receiver)
    assert heard == ["failed", "in", "out"]


def test_the_answer_of_a_sign_in_is_described_as_it_is(kind, me):
    reset_generator_stats()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    described = schema["components"]["schemas"]["PhoneReferralsSignedIn"]["properties"]
    assert described.keys() == me.answer.keys()
    nullable = {name for name, field in described.items() if field.get("nullable") or "oneOf" in field}
    assert {name for name, value in me.answer.items() if value is None} <= nullable | {"referral"}
    assert schema["paths"]["/api/users/me/"]["get"]["security"]


def test_a_site_of_this_kind_passes_the_checks(settings):
    readers = [f"{each.__module__}.{each.__name__}" for each in get_issuer().authentication_classes]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": readers}
    assert [each for each in run_checks() if each.id.startswith("phone_referrals")] == []


def test_a_client_without_a_token_or_a_cookie_is_nobody():
    assert status(APIClient()) == 401
