"""Hostile input. The rule everywhere: 4xx that names a field or says a `code`, never 500, and no code is used up."""

import json
import socket
from contextlib import closing
from itertools import product

import pytest
from django.test import Client
from django.test.testcases import LiveServerThread
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import PageNumberPagination

from phone_referrals.models import PhoneVerification, Referral

pytestmark = pytest.mark.django_db

ASK, ENTER, REDEEM = "/api/users/get_verify_code/", "/api/users/auth/", "/api/referrals/referral_code/"
ASK_CHANGE, CHANGE, DELETE = "/api/users/me/phone/get_verify_code/", "/api/users/me/phone/", "/api/users/me/delete/"
PHONE = "+12015550100"
VALID = {
    ASK: {"phone_number": PHONE},
    ENTER: {"phone_number": PHONE, "code": "123456"},
    REDEEM: {"referral_code": "ABCDEF"},
    ASK_CHANGE: {"phone_number": PHONE},
    CHANGE: {"phone_number": PHONE, "code": "123456", "current_code": "123456"},
    DELETE: {"code": "123456"},
}
FIELDS = [
    (ASK, "phone_number"),
    (ENTER, "phone_number"),
    (ENTER, "code"),
    (ENTER, "referral_code"),
    (REDEEM, "referral_code"),
    (ASK_CHANGE, "phone_number"),
    (CHANGE, "phone_number"),
    (CHANGE, "code"),
    (CHANGE, "current_code"),
    (DELETE, "code"),
]
PHONE_FIELDS = [(path, field) for path, field in FIELDS if field == "phone_number"]
OPTIONAL = [(ENTER, "referral_code"), (CHANGE, "current_code")]
WRITE = [ASK, ENTER, REDEEM, ASK_CHANGE, CHANGE, DELETE]
READ = [
    "/api/users/",
    "/api/users/{id}/",
    "/api/users/me/",
    "/api/users/{id}/invitees/",
    "/api/referrals/",
    "/api/referrals/invitees/",
]


@pytest.fixture
def client(sign_in):
    """A signed-in client that, as a server does, turns what is raised into a 500."""
    signed_in = sign_in("+12015550177")
    client = Client(raise_request_exception=False, headers={"authorization": f"Token {signed_in.answer['token']}"})
    client.id = signed_in.answer["user"]["id"]
    return client


def post(client, path, body, content_type="application/json", **headers):
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.generic("POST", path, data, content_type=content_type, headers=headers)


def assert_refused(response, *fields):
    """A 4xx that names one of the `fields`, or that has a machine-readable `code`."""
    assert 400 <= response.status_code < 500, response.content[:500]
    body = response.json()
    if "detail" in body:
        assert isinstance(body["detail"], str)
        assert isinstance(body["code"], str)
    else:
        assert set(body) & {*fields, "non_field_errors"}
        assert all(isinstance(text, str) and text for texts in body.values() for text in texts)


# Values of fields

NO_TEXT = {
    "null": None,
    "true": True,
    "false": False,
    "list": [],
    "list of one": [PHONE],
    "dict": {},
    "dict of one": {"phone_number": PHONE},
    "nested": [[{"a": [None, {"b": []}]}]],
}
NO_TEXT_OF_OURS = {
    "1 MB": "1" * 1_000_000,
    "1 MB of spaces before": " " * 1_000_000 + "1" * 501,
    "NUL": "\0",
    "NUL inside": "+1201555\x000100",
    "lone surrogate": "\ud800",
    "lone surrogate inside": f"{PHONE}\udfff",
}
NO_PHONE = {
    "empty": "",
    "spaces": "   ",
    "other spaces": "\u2003\u00a0",
    "letters": "abc",
    "plus": "+",
    "pluses": "+" * 64,
    "zero": 0,
    "negative": -12015550100,
    "number without a country": 2015550100,
    "fraction": 1.5,
    "huge": 10**60,
    "no such country": "+999 201 555 0100",
    "country zero": "+0 201 555 0100",
    "too short": "+1201555",
    "too long": "+120155501000000000",
    "no such area": "+10000000000",
    "emoji": "😀",
    "emoji digits": "+1️⃣2️⃣0️⃣1️⃣",
    "right-to-left marks": "\u200f\u202e\u200f",
    "sql": "+1201'; DROP TABLE users; --",
    "format": "%s%n{0}{{ settings.SECRET_KEY }}",
    "line breaks": "\r\n\r\n",
    "superscripts": "+¹²⁰¹⁵⁵⁵⁰¹⁰⁰",
    "fractions": "½",
    "two": f"{PHONE},{PHONE}",
    "extension alone": "ext. 5",
}
NO_CODE = {
    "empty": "",
    "spaces": "   ",
    "dashes": "------",
    "letters": "abcdef",
    "five digits": "12345",
    "seven digits": "1234567",
    "zero": 0,
    "negative": -1,
    "number": 12345,
    "fraction": 1.5,
    "huge": 10**60,
    "hexadecimal": "0x1234",
    "exponent": "1e5000",
    "underscores": "12_345",
    "plus": "+12345",
    "emoji": "😀😀😀😀😀😀",
    "superscripts": "¹²³⁴⁵⁶",
    "circled": "①②③④⑤⑥",
    "roman": "ⅠⅡⅢⅣⅤⅥ",
    "Chinese": "一二三四五六",
    "right-to-left marks": "\u200f123456\u202e",
    "wildcard": "______",
    "line break": "123456\n123456",
}


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_what_is_no_text_of_ours_is_refused_by_its_field(client, path, field):
    for name, value in (NO_TEXT | NO_TEXT_OF_OURS).items():
        if (path, field) in OPTIONAL and value is None:
            continue  # It may be left out, and so may be null.
        response = post(client, path, {**VALID[path], field: value})
        assert response.status_code == 400, name
        assert_refused(response, field)
        assert list(response.json()) == [field], name


@pytest.mark.parametrize("path", [ASK, ENTER, ASK_CHANGE, CHANGE])
def test_what_is_no_phone_is_refused_by_name(client, outbox, path):
    sent = len(outbox)
    for name, value in NO_PHONE.items():
        response = post(client, path, {**VALID[path], "phone_number": value})
        assert (response.status_code, list(response.json())) == (400, ["phone_number"]), name
        assert len(outbox) == sent, name


@pytest.mark.parametrize("phone", ["+49575186022405924", "+8100660872962791808"])
def test_a_number_too_long_for_e164_is_no_phone(client, phone):
    # libphonenumber calls these valid, in Germany and in Japan; E.164 ends at 15 digits, and so does our column.
    response = post(client, ASK, {"phone_number": phone})
    assert response.status_code == 400
    assert list(response.json()) == ["phone_number"]


def test_what_is_no_code_is_refused_by_name_and_is_no_guess(client, last_code):
    post(client, ASK, {"phone_number": PHONE})
    for name, value in NO_CODE.items():
        response = post(client, ENTER, {"phone_number": PHONE, "code": value})
        assert (response.status_code, list(response.json())) == (400, ["code"]), name
        assert PhoneVerification.objects.get(phone_number=PHONE).wrong_guesses_since_success == 0, name
    assert post(client, ENTER, {"phone_number": PHONE, "code": last_code(PHONE)}).status_code == 201


NOBODYS_CODES = ["😀", "\u200f\u202e", "\u200b", "٠١٢٣٤٥", "%_%", "' OR 1=1", "ﷺ" * 64, "ß" * 64, "-", "A" * 64]


def test_a_referral_code_of_any_text_is_not_found(client, last_code, undone):
    for value in [*NOBODYS_CODES, 0, -1, 1.5, 10**60]:
        response = post(client, REDEEM, {"referral_code": value})
        assert_refused(response)
        assert response.json()["code"] == "invalid_referral_code", value
        with undone():
            post(client, ASK, {"phone_number": PHONE})
            signed_in = post(client, ENTER, {"phone_number": PHONE, "code": last_code(PHONE), "referral_code": value})
            assert signed_in.status_code == 201, value
            assert signed_in.json()["referral"]["code"] == "invalid_referral_code", value
        assert not Referral.objects.exists(), value


@pytest.mark.parametrize(("path", "field"), [pair for pair in FIELDS if pair not in OPTIONAL])
def test_a_missing_field_is_named(client, path, field):
    response = post(client, path, {key: value for key, value in VALID[path].items() if key != field})
    assert response.status_code == 400
    assert list(response.json()) == [field]


def test_what_was_not_asked_for_is_ignored(client, last_code):
    post(client, ASK, {"phone_number": PHONE, "purpose": "phone_change", "host": "evil.example", "code": "000000"})
    data = {
        "code": last_code(PHONE),
        "is_staff": True,
        "id": client.id,
        "user": {"is_superuser": True},
        "__proto__": [],
    }
    answer = post(client, ENTER, {"phone_number": PHONE, **data}).json()
    assert answer["created"]
    assert answer["user"]["id"] != client.id


# Bodies

DEEP = 100_000
BODIES = {
    "empty": "",
    "spaces": "  \r\n ",
    "null": "null",
    "true": "true",
    "number": "1",
    "text": '"+12015550100"',
    "list": "[]",
    "list of one": '[{"phone_number": "+12015550100", "code": "123456", "referral_code": "A"}]',
    "empty object": "{}",
    "broken": '{"phone_number": ',
    "single quotes": "{'phone_number': '+12015550100'}",
    "trailing comma": '{"phone_number": "+12015550100",}',
    "two values": '{"phone_number": "+12015550100"} {}',
    "NaN": '{"phone_number": NaN, "code": NaN, "referral_code": NaN}',
    "infinity": '{"phone_number": -Infinity, "code": Infinity, "referral_code": Infinity}',
    "infinite exponent": '{"phone_number": 1e999, "code": 1e999, "referral_code": null}',
    "huge integer": f'{{"phone_number": {"9" * 100_000}, "code": {"9" * 100_000}, "referral_code": {"9" * 100_000}}}',
    "NUL bytes": b"\0\0\0\0",
    "NUL bytes inside": b'{"phone_number": "\0", "code": "\0"}',
    "byte-order mark": b'\xef\xbb\xbf{"phone_number": "x"}',
    "invalid UTF-8": b'{"phone_number": "\xff\xfe", "code": "\xc3\x28", "referral_code": "\xc0\xaf"}',
    "overlong UTF-8": b'{"phone_number": "\xed\xa0\x80"}',
    "UTF-16": '{"phone_number": "x"}'.encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "deep lists": "[" * DEEP + "]" * DEEP,
    "deep lists without end": "[" * DEEP,
    "deep objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep field": '{"phone_number":' + "[" * DEEP + "]" * DEEP + "}",
    "10 MB of a field": '{"phone_number": "' + "1" * 10_000_000 + '"}',
    "10 MB of keys": "{" + ",".join(f'"{number:09}":0' for number in range(750_000)) + "}",
    "form": "phone_number=x",
}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_body_that_is_not_what_we_read_is_refused(client, accept):
    for (name, body), path in product(BODIES.items(), WRITE):
        response = post(client, path, body, Accept=accept)
        assert response.status_code in {400, 413}, (name, path)
        if response.headers["Content-Type"] == "application/json":
            assert_refused(response, "phone_number", "code", "referral_code")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_nesting_is_refused_at_every_depth(client, accept):
    # What one function can read another may not be able to write: the page for people shows the input again.
    for depth, (path, field) in product((50, 200, 500, 950, 1_000, 3_000, 10_000, 50_000), FIELDS):
        for nested in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            valid = json.dumps(VALID[path])[:-1]
            response = post(client, path, f'{valid}, "{field}": {nested}}}', Accept=accept)
            assert response.status_code == 400, (depth, path, field)


def test_logging_out_reads_no_body(client, undone):
    for path, body in product(["/api/users/logout/", "/api/users/logout_all/"], ["", "{", b"\xff", "[" * DEEP]):
        with undone():
            assert post(client, path, body).status_code == 204, (path, body[:1])


CONTENT_TYPES = {
    "none": "",
    "slash": "/",
    "text": "text/plain",
    "unknown": "application/x-nothing",
    "xml": "application/xml",
    "json of another kind": "application/vnd.api+json",
    "wildcard": "*/*",
    "two": "application/json, text/html",
    "letters": "é",
    "utf-16": "application/json; charset=utf-16",
    "utf-32": "application/json; charset=utf-32",
    "utf-7": "application/json; charset=utf-7",
    "no charset": "application/json; charset=",
    "unknown charset": "application/json; charset=nonsense",
    "idna": "application/json; charset=idna",
    "undefined": "application/json; charset=undefined",
    "punycode": "application/json; charset=punycode",
    "unicode_escape": "application/json; charset=unicode_escape",
    "zlib": "application/json; charset=zlib",
    "bz2": "application/json; charset=bz2",
    "base64": "application/json; charset=base64",
    "rot13": "application/json; charset=rot13",
    "zlib form": "application/x-www-form-urlencoded; charset=zlib",
    "zlib multipart": "multipart/form-data; boundary=x; charset=zlib",
    "form": "application/x-www-form-urlencoded",
    "multipart without boundary": "multipart/form-data",
    "multipart with no boundary": "multipart/form-data; boundary=",
    "multipart of another boundary": "multipart/form-data; boundary=x",
    "multipart of a long boundary": "multipart/form-data; boundary=" + "x" * 500,
    "multipart mixed": "multipart/mixed; boundary=x",
}


def test_a_type_of_content_that_we_do_not_read_is_refused(client):
    for (name, content_type), path in product(CONTENT_TYPES.items(), WRITE):
        response = post(client, path, '{"phone_number": "x", "referral_code": ""}', content_type)
        assert response.status_code in ({415} if "charset" in content_type else {400, 415}), (name, path)
        assert_refused(response, "phone_number", "code", "referral_code")


FORMS = {
    "empty": "",
    "other fields": "a=b",
    "no value": "phone_number&code&referral_code",
    "many separators": "&" * 1_000,
    "percent signs": "phone_number=%&code=%zz&referral_code=%f",
    "NUL bytes": "phone_number=%00&code=%00&referral_code=%00",
    "invalid UTF-8": "phone_number=%ff%fe&code=%c0%af&referral_code=%ff%00",
    "surrogates": "phone_number=%ed%a0%80&code=%ed%a0%80&referral_code=%ed%a0%80%00",
    "brackets": "phone_number[]=1&code[x]=1&referral_code[0][a]=1",
    "too many fields": "&".join(f"a{number}=1" for number in range(2_000)),
    "1 MB": "phone_number=" + "1" * 1_000_000,
}


def test_a_bad_form_is_refused(client):
    for (name, form), path in product(FORMS.items(), WRITE):
        response = post(client, path, form, "application/x-www-form-urlencoded")
        assert response.status_code in {400, 413}, (name, path)


def part(name, value, more=""):
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


MULTIPARTS = {
    "empty": b"",
    "end alone": b"--x--\r\n",
    "no headers": b"--x\r\n\r\nphone\r\n--x--\r\n",
    "not ended": part("phone_number", b"x"),
    "file": part("phone_number", b"x", '; filename="a.txt"')
    + part("referral_code", b"x", '; filename="a"')
    + b"--x--\r\n",
    "file named NUL": part("phone_number", b"x", '; filename="\0"') + b"--x--\r\n",
    "binary": part("phone_number", b"\xff\xfe\0") + part("referral_code", b"\0") + b"--x--\r\n",
    "bad base64": part("phone_number", b"====", "\r\nContent-Transfer-Encoding: base64") + b"--x--\r\n",
    "10 MB": part("phone_number", b"1" * 10_000_000) + b"--x--\r\n",
    "10 MB of a file": part("phone_number", b"1" * 10_000_000, '; filename="a"') + b"--x--\r\n",
    "too many fields": part("a", b"1") * 2_000 + b"--x--\r\n",
    "too many files": part("a", b"1", '; filename="a"') * 200 + b"--x--\r\n",
    "charset of a part": part("phone_number", b"x", "\r\nContent-Type: text/plain; charset=zlib") + b"--x--\r\n",
    "encoded name": b"--x\r\nContent-Disposition: form-data; name*=zlib''phone_number\r\n\r\nx\r\n--x--\r\n",
}


def test_a_bad_multipart_body_is_refused(client):
    for (name, body), path in product(MULTIPARTS.items(), WRITE):
        response = post(client, path, body, "multipart/form-data; boundary=x")
        assert response.status_code in {400, 413, 415}, (name, path)


# Headers, methods and paths

AUTHORIZATIONS = {
    "empty": "",
    "scheme alone": "Token",
    "two tokens": "Token a b",
    "unknown token": "Token " + "0" * 40,
    "long": "Token " + "x" * 100_000,
    "NUL": "Token \0",
    "NUL alone": "\0",
    "Latin": "Token é",
    "UTF-8": "Token 😀".encode().decode("latin-1"),
    "line break": "Token a\nToken b",
    "other scheme": "Bearer x",
    "basic": "Basic !!!",
    "json": '{"token": 1}',
    "spaces": "   ",
    "wildcard": "Token %",
}


@pytest.fixture
def anybody():
    """A client of nobody that turns what is raised into a 500."""
    return Client(raise_request_exception=False)


def test_an_odd_authorization_is_401(anybody):
    for (name, header), path in product(AUTHORIZATIONS.items(), READ):
        response = anybody.get(path.format(id=1), headers={"authorization": header})
        assert response.status_code == 401, (name, path)
        assert response["WWW-Authenticate"] == "Token"
        assert_refused(response)


@pytest.mark.parametrize("issuer", ["knox.KnoxTokenIssuer", "jwt.JWTIssuer", "session.SessionIssuer"])
def test_an_odd_authorization_is_401_for_every_kind_of_token(settings, anybody, issuer):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{issuer}"
    for (name, header), scheme in product(AUTHORIZATIONS.items(), ("", "Bearer ")):
        response = anybody.get("/api/users/me/", headers={"authorization": scheme + header})
        assert response.status_code == 401, name
        assert_refused(response)


def test_an_odd_authorization_does_no_harm_to_signing_in(anybody):
    for header, path in product(AUTHORIZATIONS.values(), (ASK, ENTER)):
        assert_refused(post(anybody, path, {"phone_number": "x"}, authorization=header), "phone_number")


ACCEPTS = {
    "nothing of ours": "image/png",
    "xml": "application/xml",
    "empty": "",
    "semicolons": ";;;",
    "slashes": "a/b/c",
    "NUL": "\0",
    "long": "text/html;" * 3_000,
    "encoded parameter": "text/plain; charset*=foo'en'%41",
    "huge indent": "application/x; indent=" + "9" * 5_000,
}


# DRF before 3.18 answers 200 to "long", and 500 to "encoded parameter".
def test_an_answer_that_we_cannot_give_is_406(client):
    for (name, header), path in product(ACCEPTS.items(), READ):
        response = client.get(path.format(id=client.id), headers={"accept": header})
        assert response.status_code == 406, (name, path)
        assert_refused(response)


ODD_BUT_GOOD = {
    "any": {"accept": "*/*;q=x"},
    "indent": {"accept": "application/json; indent=99999999999"},
    "Arabic indent": {"accept": "application/json; indent=٣"},
    "html": {"accept": "text/html"},
    "browser": {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
    "no such language": {"accept-language": "xx-YY;q=9, *;q=-1"},
    "long language": {"accept-language": "en," * 30_000},
    "language of NUL": {"accept-language": "\0"},
    "language path": {"accept-language": "../../etc/passwd"},
    "cookies": {"cookie": "sessionid=\0; csrftoken=;;; django_language=../x; =; a"},
    "old date": {"if-modified-since": "yesterday"},
    "range": {"range": "bytes=0-"},
    "content type of a GET": {"content-type": "x/y"},
    "method override": {"x-http-method-override": "DELETE"},
}


def test_odd_headers_that_are_allowed_do_no_harm(client):
    for (name, headers), path in product(ODD_BUT_GOOD.items(), READ):
        assert client.get(path.format(id=client.id), headers=headers).status_code == 200, (name, path)


HOSTS = [
    "",
    "evil.example",
    "testserver:port",
    "a b",
    "testserver\0",
    "[::1",
    "[::1]:99999999",
    "é",
    "x" * 70_000,
    "@",
    "%00",
]


def test_a_host_that_is_not_ours_is_400_and_sends_nothing(anybody, outbox):
    for host, path in product(HOSTS, (ASK, ENTER)):
        assert post(anybody, path, VALID[path], host=host).status_code == 400, (host[:20], path)
        assert outbox == []


METHODS = ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "DISPATCH", "GÉT", "😀", " ", "GET,POST"]


def test_a_method_that_we_do_not_have_is_405(client):
    for method, path in product(METHODS, (*WRITE, *READ)):
        response = client.generic(method, path.format(id=client.id), "{}", "application/json")
        assert response.status_code == 405, (method, path)
        assert_refused(response)


def test_options_and_head_are_answered(client):
    for path in (*WRITE, *READ):
        assert client.options(path.format(id=client.id)).status_code == 200
        head = client.head(path.format(id=client.id))
        assert head.status_code == (405 if path in WRITE else 200)
        assert head.content == b""


IDS = {
    "zero": "0",
    "negative": "-1",
    "beyond 64 bits": "9" * 30,
    "beyond what int() reads": "9" * 5_000,
    "text": "somebody",
    "float": "1.5",
    "exponent": "1e3",
    "not a number": "nan",
    "hexadecimal": "0x1",
    "boolean": "True",
    "none": "None",
    "dot": ".",
    "dots": "..",
    "encoded dots": "%2e%2e",
    "encoded slash": "a%2Fb",
    "encoded question": "a%3Fb",
    "NUL": "%00",
    "NUL inside": "9%0000",
    "line break": "a%0A",
    "line breaks": "%0D%0ASet-Cookie:a=b",
    "invalid UTF-8": "%FF",
    "surrogate": "%ED%A0%80",
    "emoji": "%F0%9F%98%80",
    "Arabic zero": "%D9%A0",
    "fraction": "%C2%BD",
    "spaces": "%20%20",
    "quote": "0'%20OR%201=1--",
    "template": "{{7*7}}",
    "percent": "%25s",
    "long": "a" * 100_000,
    "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e",
}


def test_nobody_is_found_by_an_odd_id(client):
    for (name, key), tail, accept in product(IDS.items(), ("", "invitees/"), ("application/json", "text/html")):
        response = client.get(f"/api/users/{key}/{tail}", headers={"accept": accept})
        assert response.status_code == 404, (name, tail, accept)


CURSORS = [
    "x",
    "%00",
    "%FF",
    "%ED%A0%80",
    "%F0%9F%98%80",
    ":",
    "::::",
    "..",
    "-1",
    "W10:a:b",
    ".eJw:1:2",
    "=" * 10,
    "a" * 100_000,
]


def test_an_odd_cursor_is_refused(client):
    for cursor, path in product(CURSORS, ("users/", f"users/{client.id}/invitees/", "referrals/invitees/")):
        response = client.get(f"/api/{path}?cursor={cursor}")
        assert_refused(response)
        assert response.json()["code"] == "invalid_cursor", (cursor[:20], path)


def test_an_odd_format_is_not_found(client):
    for name in ("xml", "%00", "%FF", "a" * 10_000):
        assert_refused(client.get(f"/api/users/?format={name}"))


def test_odd_queries_do_no_harm(client):
    for query in ("cursor", "cursor=&cursor=", "cursor[]=x", "&&&", "%", "page=2", "limit=-1", "a=b;c=d"):
        assert client.get(f"/api/users/?{query}").status_code == 200, query


# The page that DRF shows to people, on a host with a paginator of its own


def test_the_browsable_api_shows_every_call(client, monkeypatch):
    monkeypatch.setattr(GenericAPIView, "pagination_class", PageNumberPagination)
    monkeypatch.setattr(PageNumberPagination, "page_size", 10)
    for path in (*WRITE, "/api/users/logout/", "/api/users/logout_all/", *READ):
        response = client.get(path.format(id=client.id), headers={"accept": "text/html"})
        assert response.status_code == (200 if path in READ else 405), path
        assert b"<html" in response.content


def test_the_browsable_api_answers_bad_input_too(client):
    values = [(name, value, FIELDS) for name, value in (NO_TEXT | NO_TEXT_OF_OURS).items()]
    values += [(name, value, PHONE_FIELDS) for name, value in NO_PHONE.items()]
    for name, value, fields in values:
        for path, field in fields:
            response = post(client, path, {**VALID[path], field: value}, Accept="text/html")
            assert response.status_code < 500, (name, path, field)


# Over a socket, byte by byte, where the test client would have tidied up


@pytest.fixture
def server(transactional_db, settings):
    # Not `live_server`, which needs a site with static files.
    settings.ALLOWED_HOSTS, settings.MEDIA_URL = ["localhost"], "/media/"
    thread = LiveServerThread("localhost", static_handler=lambda application: application)
    thread.start()
    assert thread.is_ready.wait(30)
    yield thread
    thread.terminate()


def status_of(server, request, *, seconds=20):
    """Send raw bytes; return the status of the answer, or None where the server hangs up."""
    with closing(socket.create_connection((server.host, server.port), seconds)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            line = answer.readline()
    return int(line.split()[1]) if line else None


def raw(*, line=b"POST /api/users/get_verify_code/ HTTP/1.1", headers=b"", body=b"", length=None):
    length = len(body) if length is None else length
    return b"\r\n".join(
        [
            line,
            b"Host: localhost",
            b"Connection: close",
            *([] if b"Content-Type" in headers else [b"Content-Type: application/json"]),
            f"Content-Length: {length}".encode(),
            headers + b"\r\n" + body,
        ]
    )


BYTES = {
    "broken JSON": {"body": b"{"},
    "NUL bytes": {"body": b"\0" * 100},
    "invalid UTF-8": {"body": b'{"phone_number": "\xff"}'},
    "10 MB": {"body": b'{"phone_number": "' + b"1" * 10_000_000 + b'"}'},
    "deep": {"body": b"[" * DEEP},
    "no length": {"body": b'{"phone_number": "x"}', "length": ""},
    "length of text": {"body": b'{"phone_number": "x"}', "length": "x"},
    "negative length": {"body": b'{"phone_number": "x"}', "length": -5},
    "length too small": {"body": b'{"phone_number": "x"}', "length": 3},
    "length too great": {"body": b'{"phone_number": "x"}', "length": 1_000},
    "chunks": {"body": b"5\r\nabcde\r\n0\r\n\r\n", "headers": b"Transfer-Encoding: chunked\r\n"},
    "second type": {"body": b"{}", "headers": b"Content-Type: text/plain\r\nContent-Type: a/b\r\n"},
    "second length": {"body": b"{}", "headers": b"Content-Length: 1\r\n"},
    "second host": {"body": b"{}", "headers": b"Host: evil.example\r\n"},
    "bytes of a path": {"line": b"GET /api/users/\xff\xfe\x80/ HTTP/1.1", "headers": b"Authorization: Token x\r\n"},
    "NUL in a path": {"line": b"GET /api/users/\0/ HTTP/1.1"},
    "dots in a path": {"line": b"GET /api/users/../../../etc/passwd HTTP/1.1"},
    "two slashes": {"line": b"GET //api//users// HTTP/1.1"},
    "absolute path": {"line": b"GET http://evil.example/api/users/ HTTP/1.1"},
    "bytes of a query": {"line": b"GET /api/users/?cursor=\xff\0\x80 HTTP/1.1"},
    "NUL in a token": {"line": b"GET /api/users/ HTTP/1.1", "headers": b"Authorization: Token \0\r\n"},
    "bytes of a token": {"line": b"GET /api/users/ HTTP/1.1", "headers": b"Authorization: Token \xff\xfe\r\n"},
    "bytes of a language": {"body": b"{}", "headers": b"Accept-Language: \xff\xfe\r\n"},
    "bytes of a type": {"body": b"{}", "headers": b"Accept: \xff\xfe\r\n"},
    "folded header": {"body": b"{}", "headers": b"Accept: text/html,\r\n application/json\r\n"},
    "unknown method": {"line": b"G\xc3\xa9T /api/users/ HTTP/1.1"},
}


def test_bytes_on_the_wire_are_answered_with_4xx(server):
    statuses = {name: status_of(server, raw(**parts)) for name, parts in BYTES.items()}
    assert {name: status for name, status in statuses.items() if status is None or not 400 <= status < 500} == {}
    # The wire itself works.
    assert status_of(server, raw(body=json.dumps(VALID[ASK]).encode())) == 200
