"""Strings that have broken other programs, through every field, query parameter and path of every call: no 5xx."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from phone_referrals.urls import urlpatterns

pytestmark = pytest.mark.django_db

HOSTILE = [
    # Nothing, and what looks like it
    *("", " ", "\t\n\r\v\f", "\u00a0\u2007\u202f", "\u200b\u200d\u2060\ufeff", "\u3164", "\u180e"),
    # What databases, terminals and log files trip over
    *("\0", "a\0b", "\x1b[31m", "\x7f", "\x85", "\u2028\u2029", "\r\nSet-Cookie: a=b", "\b\b\b"),
    # Halves of characters, and those that are none
    *("\ud800", "\udc00", "\udfff\ud800", "\ud83d", "\uffff", "\ufffe", "\U0010ffff", "\ue000", "\U000e0041"),
    # Characters that grow, shrink or turn when they are folded
    *("İ", "ı", "ß", "ŉ", "ﬃ", "ﷺ", "ﷺ" * 64, "ǰ", "Å", "각", "ſ", "K", "ⅷ", "㍿", "\u0345"),
    *("a" + "\u0301" * 200, "\u202e123456", "👨‍👩‍👧‍👦" * 8, "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ｆｕｌｌ"),
    # Digits of all kinds, and what Python takes for them
    *("٠١٢٣٤٥", "०१२३४५", "𝟙𝟚𝟛𝟜𝟝𝟞", "²³¹", "①②③④⑤⑥", "½", "Ⅷ", "一二三四五六", "1_000", "൦൧൨൩൪൫", "߀߁߂"),
    *("NaN", "Infinity", "-0", "1e309", "0x1F", "0b1", "1" * 4301, "9" * 400, "-1", str(2**63), str(-(2**63) - 1)),
    # Phone numbers of a kind
    *("+", "+" * 1000, "++12015550100", "00", "+0", "+999", "+1", "+12015550100;ext=" + "9" * 40),
    *(
        "tel:+12015550100;phone-context=",
        "tel:;phone-context=+1",
        ";phone-context=" * 50,
        "+1-201-555-0100x" + "1" * 99,
    ),
    *("+1 (201) 555-0100 ext. 1 / ext. 2", "1-800-FLOWERS", "+49" + "0" * 60, "+80012345678", "#*#*4636*#*#*"),
    # What other languages would read or run
    *("' OR '1'='1", '"; DROP TABLE accounts_user; --', "%' AND 1=0 UNION SELECT 1 --", "\\", "\\'", "%", "_", "*"),
    *(
        "{{7*7}}",
        "{% load x %}",
        "${jndi:ldap://127.0.0.1/a}",
        "%s%n%x",
        "{0.__class__}",
        "$(id)",
        "`id`",
        "|id",
        "&&id",
    ),
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>", "<!DOCTYPE a [<!ENTITY b SYSTEM 'c'>]>"),
    *("../../etc/passwd", "..\\..", "file:///etc/passwd", "http://127.0.0.1:1/", "C:\\con", "/dev/null"),
    *("null", "None", "undefined", "true", "[]", "{}", '{"$gt": ""}', "__proto__", "constructor", "a]b[c"),
    # Too much
    *("a" * 65, "1" * 65, "a" * 100_000, "((((((((((" * 500, "(a+)+$" * 20, "-" * 10_000, "é" * 33_000),
]
NO_STRINGS = [None, True, 0, -1, 1e308, 10**400, [], ["+12015550100"], {}, {"a": {"b": []}}, [[[[]]]]]

CALLS = {
    # name: its fields and what is good for each
    "get_verify_code": {"phone_number": "+12015550100", "captcha_token": "xx"},
    "auth": {"phone_number": "+12015550100", "code": "123456", "referral_code": "ABC234"},
    "redeem": {"referral_code": "ABC234"},
    "get_change_code": {"phone_number": "+12015550100", "captcha_token": "xx"},
    "change_phone": {"phone_number": "+12015550100", "code": "123456", "current_code": "123456"},
    "get_delete_code": {"captcha_token": "xx"},
    "delete": {"code": "123456"},
}
# And their query parameters.
READS = {
    "user_list": ["cursor", "format"],
    "invitees": ["cursor"],
    "own_invitees": ["cursor"],
    "user_detail": [],
    "me": [],
    "referrals": ["x"],
}

FORMATS = {
    "json": lambda data: {"data": json.dumps(data), "content_type": "application/json"},
    "form": lambda data: {"data": data},
}


@pytest.fixture
def me(make_user):
    return make_user(50)


@pytest.fixture
def client(me):
    token = Token.objects.create(user=me)
    return Client(raise_request_exception=False, headers={"authorization": f"Token {token.key}"})


def variations(hostile, good):
    # What is good leads past the first check; a long string shows what it has to show once.
    return [hostile, good + hostile, good[:1] + hostile + good[1:]] if len(hostile) < 1000 else [hostile]


def encodable(text):
    return text.encode("utf-8", "replace").decode()


def assert_answered(response, sent):
    assert response.status_code < 500, (response.status_code, repr(sent)[:200])
    if response.content and response["Content-Type"] == "application/json":
        response.json()


def test_every_call_of_the_package_is_here():
    without_input = {"logout", "logout_all", "sessions", "end_session", "end_other_sessions"}
    assert {pattern.name for pattern in urlpatterns} == CALLS.keys() | READS.keys() | without_input


@pytest.mark.database
@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in CALLS.items() for field in fields])
def test_hostile_strings_in_every_field(client, me, name, field):
    url, good = reverse(f"phone_referrals:{name}"), CALLS[name]
    for hostile in HOSTILE:
        for value in variations(hostile, good[field]):
            assert_answered(client.post(url, **FORMATS["json"]({**good, field: value})), value)


@pytest.mark.parametrize("name", CALLS)
def test_hostile_strings_in_every_field_of_a_form(client, me, name):
    url = reverse(f"phone_referrals:{name}")
    for hostile in HOSTILE:
        # A form is bytes: there is no half of a character in it. Read, it is the text of the test above.
        everywhere = dict.fromkeys(CALLS[name], encodable(hostile))
        assert_answered(client.post(url, **FORMATS["form"](everywhere)), hostile)


def test_hostile_strings_as_names_of_fields_are_ignored(client, me, undone):
    names = {encodable(hostile): "x" for hostile in HOSTILE}
    for name, good in CALLS.items():
        answers = []
        for body in (good, names | good):
            with undone():
                answers.append(client.post(reverse(f"phone_referrals:{name}"), **FORMATS["json"](body)).status_code)
        assert answers[0] == answers[1] < 500, name


def test_hostile_strings_as_names_of_fields_of_a_form(client, me):
    # One at a time: some of them end a form.
    for hostile in HOSTILE:
        sent = FORMATS["form"]({**CALLS["auth"], encodable(hostile): "x"})
        assert_answered(client.post(reverse("phone_referrals:auth"), **sent), hostile)


def test_what_is_no_string_in_every_field(client):
    for name, fields in CALLS.items():
        url = reverse(f"phone_referrals:{name}")
        for value in NO_STRINGS:
            assert_answered(client.post(url, **FORMATS["json"](value)), value)
            for field in fields:
                assert_answered(client.post(url, **FORMATS["json"]({**fields, field: value})), value)


@pytest.mark.database
@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in READS.items() for field in fields])
def test_hostile_strings_in_every_query_parameter(client, me, name, field):
    url = reverse(f"phone_referrals:{name}", args=[me.pk] if name == "invitees" else [])
    for hostile in HOSTILE:
        assert_answered(client.get(url, {field: encodable(hostile)}), hostile)
    # As names of parameters they are ignored.
    assert client.get(url, {encodable(hostile): "x" for hostile in HOSTILE}).status_code == 200


@pytest.mark.database
@pytest.mark.parametrize("tail", ["", "invitees/"])
def test_hostile_strings_as_ids(client, me, tail):
    for hostile in HOSTILE:
        for value in variations(hostile, str(me.pk)):
            assert_answered(client.get(f"/api/users/{encodable(value)}/{tail}"), value)


@pytest.mark.database
@pytest.mark.parametrize("kind", ["knox.KnoxTokenIssuer", "session.SessionIssuer"])
def test_hostile_strings_as_ids_of_sessions(settings, client, me, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    client.force_login(me)
    for hostile in HOSTILE:
        answer = client.post(f"/api/users/me/sessions/{encodable(hostile)}/end/", headers={"user-agent": "x"})
        assert_answered(answer, hostile)


@pytest.mark.parametrize("header", ["authorization", "accept", "accept-language", "x-forwarded-for"])
def test_hostile_strings_in_headers(client, header):
    for hostile in HOSTILE:
        for prefix in ("", "Token ") if header == "authorization" else ("",):
            # As a server hands them on: bytes, read as Latin-1, without those that end a header.
            value = prefix + encodable(hostile).encode().decode("latin-1").translate({ord("\r"): None, ord("\n"): None})
            assert_answered(client.get("/api/users/", headers={header: value}), value)
            assert_answered(client.post("/api/users/get_verify_code/", headers={header: value}), value)
