"""Nobody learns from an answer, or from the statements behind it, whose phone is known to the site."""

import re

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from phone_referrals.signin.verification import request_code
from tests.codes import wrong

pytestmark = pytest.mark.django_db

PHONES = {
    "unknown": "+12015550110",
    "known": "+12015550111",
    "inactive": "+12015550112",
    "staff": "+12015550113",
    "superuser": "+12015550114",
}


# A kind of token that tells when it was signed in for: the old phone is not asked.
RECENT = "phone_referrals.tokens.knox.KnoxTokenIssuer"


@pytest.fixture(autouse=True)
def stopped_clock():
    """Answers say how long to wait: a slow machine must not make them differ."""
    with time_machine.travel("2030-01-01", tick=False):
        yield


@pytest.fixture(autouse=True)
def people(stopped_clock, make_user):
    for number, flags in ((11, {}), (12, {"is_active": False}), (13, {"is_staff": True}), (14, {"is_superuser": True})):
        user = make_user(number)
        vars(user).update(flags)
        user.save()
    # The first message of a day makes a row of its own.
    request_code(phone_number="+12015550115", host="example.com")


def post(path, data, token=None):
    """Return the answer to a phone, without its number, and the shapes of the statements behind it."""
    with CaptureQueriesContext(
        connection,
    ) as statements:
        client = APIClient(headers={"authorization": f"Token {token}"} if token else None)
        response = client.post(f"/api/users/{path}/", data, format="json")
    text = response.content.decode().replace(data["phone_number"], "PHONE")
    text = re.sub(r'"request_id":"[0-9a-f]{32}"', '"request_id":"HANDLE"', text)
    headers = {name: value for name, value in response.items() if name != "Expires"}
    return response.status_code, text, headers, [shape_of(each["sql"]) for each in statements]


def shape_of(sql):
    """Return a statement without the values in it."""
    # A driver may write a space before a negative number.
    return re.sub(r"'(?:[^']|'')*'|(?<![\w.]) *-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", "?", sql)


def assert_same(results, status, statements):
    assert results["unknown"][0] == status
    assert len(results["unknown"][3]) >= statements, "nothing was compared"
    for who, result in results.items():
        assert result == results["unknown"], who


def test_asking_for_a_change_is_the_same_for_every_phone(settings, sign_in):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = RECENT
    token = sign_in("+12015550116").answer["token"]
    answers = {who: post("me/phone/get_verify_code", {"phone_number": phone}, token) for who, phone in PHONES.items()}
    assert_same(answers, 200, 4)


def test_a_wrong_code_of_a_change_is_the_same_for_every_phone(settings, sign_in, last_code):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = RECENT
    token = sign_in("+12015550116").answer["token"]
    for phone in PHONES.values():
        post("me/phone/get_verify_code", {"phone_number": phone}, token)
    answers = {
        who: post("me/phone", {"phone_number": phone, "code": wrong(last_code(phone))}, token)
        for who, phone in PHONES.items()
    }
    assert_same(answers, 400, 2)


def test_asking_for_a_code_is_the_same_for_every_phone():
    assert_same({who: post("get_verify_code", {"phone_number": phone}) for who, phone in PHONES.items()}, 200, 3)


def test_asking_again_too_soon_is_the_same_for_every_phone():
    for phone in PHONES.values():
        post("get_verify_code", {"phone_number": phone})
    assert_same({who: post("get_verify_code", {"phone_number": phone}) for who, phone in PHONES.items()}, 429, 1)


@pytest.mark.parametrize("gateway", ["RefusingSmsBackend", "SilentSmsBackend"])
def test_a_failed_message_is_the_same_for_every_phone(settings, gateway):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"tests.gateways.{gateway}"
    assert_same({who: post("get_verify_code", {"phone_number": phone}) for who, phone in PHONES.items()}, 503, 5)


def test_a_wrong_code_is_the_same_for_every_phone(last_code):
    for phone in PHONES.values():
        post("get_verify_code", {"phone_number": phone})
    for status in (*[400] * 10, 429):
        answers = {
            who: post("auth", {"phone_number": phone, "code": wrong(last_code(phone))}) for who, phone in PHONES.items()
        }
        assert_same(answers, status, 1)


def test_a_code_without_a_request_is_the_same_for_every_phone():
    answers = {who: post("auth", {"phone_number": phone, "code": "123456"}) for who, phone in PHONES.items()}
    assert_same(answers, 400, 1)


def test_the_proof_makes_the_difference(last_code):
    """And nothing else: this is what the tests above would look like if there was something to see."""
    for phone in PHONES.values():
        post("get_verify_code", {"phone_number": phone})
    statuses = {
        who: post("auth", {"phone_number": phone, "code": last_code(phone)})[0] for who, phone in PHONES.items()
    }
    assert statuses == {"unknown": 201, "known": 200, "inactive": 403, "staff": 403, "superuser": 403}
