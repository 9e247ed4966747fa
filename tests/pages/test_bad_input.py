"""Strings that have broken other programs, in every field, parameter, path, cookie and header of every page.

No 5xx, nothing unescaped, nobody signed in, no message to anybody but the visitor's own number.
"""

import re
from itertools import product

import pytest
from django.test import Client
from django.urls import resolve

from phone_referrals.models import PhoneVerification, Referral
from phone_referrals.pages.urls import urlpatterns
from tests.test_bad_input import CONTENT_TYPES, FORMS, MULTIPARTS
from tests.test_hostile_strings import HOSTILE, encodable

pytestmark = pytest.mark.django_db

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"
MARK = "<b id=evil>'\"&"
FIELDS = {
    # path: the fields of its form, with something good in each
    "/sign-in/": {"phone_number": "+12015550100", "next": "/elsewhere/"},
    "/sign-in/code/": {"code": "123456", "next": "/elsewhere/"},
    "/sign-in/code/again/": {"captcha_token": "xx", "next": "/elsewhere/"},
    "/": {"referral_code": "ABC234"},
    "/language/": {"language": "ru", "next": "/elsewhere/"},
    "/sign-out/": {"next": "/elsewhere/"},
    "/sign-out/everywhere/": {"next": "/elsewhere/"},
}
PARAMETERS = [("/sign-in/", "next"), ("/sign-in/code/", "next"), ("/invitees/", "cursor"), ("/", "ref"), ("/", "next")]
READ = ["/sign-in/", "/sign-in/code/", "/", "/language/"]  # whose forms are read
NOBODYS = ["/sign-in/", "/sign-in/code/", "/sign-in/code/again/"]


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "phone_referrals.referrals.invites.InviteMiddleware"]
    # A QR code takes longer than all the rest. It has a test of its own.
    monkeypatch.setattr("phone_referrals.referrals.links.find_spec", lambda name: None)


@pytest.fixture
def me(make_user):
    return make_user(50)


@pytest.fixture
def visitor(me, phone):
    """Return a browser that waits for a code, or that is signed in, and that turns what is raised into a 500."""

    def visitor(path):
        client = Client(raise_request_exception=False)
        if path in NOBODYS:
            client.post("/sign-in/", {"phone_number": phone})
        else:
            client.force_login(me, BACKEND)
        return client

    return visitor


def assert_answered(response, sent):
    assert response.status_code < 500, (response.status_code, repr(sent)[:200])
    assert not re.search(r"[\r\n]", "".join(response.headers.values()))
    location = response.headers.get("Location", "/")
    assert not re.match(r"\s*([a-z]+:|[/\\]{2})", location, re.IGNORECASE), location
    if response["Content-Type"].startswith("text/html"):
        assert_escaped(response.content.decode())


def assert_escaped(page):
    assert "<script>" not in page
    assert "<img" not in page
    assert "id=evil" not in re.sub(r"&lt;.*?&amp;", "", page)


def test_every_page_is_here():
    paths = {*FIELDS, *(path for path, _ in PARAMETERS), "/r/ABC234/"}
    assert {resolve(path).url_name for path in paths} == {pattern.name for pattern in urlpatterns}


@pytest.mark.parametrize("path", FIELDS)
def test_hostile_strings_in_every_field(visitor, me, path):
    client, good = visitor(path), FIELDS[path]
    messages = PhoneVerification.objects.count()
    signed_in = "_auth_user_id" in client.session
    for hostile in [*HOSTILE, MARK]:
        # In all at once: what is refused is shown again, and what is beside it too.
        everywhere = {encodable(hostile): "x", **{field: encodable(hostile) for field in good}}
        assert_answered(client.post(path, everywhere), hostile)
        if len(hostile) < 1000:
            # What is good leads past the first check.
            assert_answered(client.post(path, {key: text + encodable(hostile) for key, text in good.items()}), hostile)
        if signed_in and "_auth_user_id" not in client.session:
            client.force_login(me, BACKEND)
    assert not Referral.objects.exists()
    assert PhoneVerification.objects.count() <= messages + 1
    assert signed_in or "_auth_user_id" not in client.session


@pytest.mark.parametrize(("path", "parameter"), PARAMETERS)
def test_hostile_strings_in_every_parameter(visitor, path, parameter):
    client = visitor(path)
    for hostile in [*HOSTILE, MARK]:
        assert_answered(client.get(path, {parameter: encodable(hostile), encodable(hostile): "x"}), hostile)


def test_hostile_strings_as_the_code_of_a_link(visitor):
    client = Client(raise_request_exception=False)
    signed_in = visitor("/")
    for hostile in [*HOSTILE, MARK]:
        path = f"/r/A{encodable(hostile)}/"
        client.cookies.clear()
        assert_answered(client.get(path), hostile)
        assert_answered(Client(enforce_csrf_checks=True).post(path), hostile)
        # And in the form of who is a user already.
        signed_in.cookies.pop("phone_referrals_invite", None)
        signed_in.get(path)
        assert_answered(signed_in.get("/"), hostile)


def as_sent(hostile):
    """Return a text as a server hands it on: bytes, read as Latin-1, without those that end a header."""
    return encodable(hostile).encode().decode("latin-1").translate({ord("\r"): None, ord("\n"): None})


@pytest.mark.parametrize(
    "names", [["phone_referrals_invite"], ["sessionid", "csrftoken", "messages", "django_language"]], ids=len
)
def test_hostile_strings_in_cookies(client, names):
    client.raise_request_exception = False
    for hostile in [*HOSTILE, MARK]:
        cookies = "; ".join(f"{name}={as_sent(hostile)}" for name in names)
        for path in ("/sign-in/", "/r/ABC234/", "/"):
            # In place of those that the test's client keeps.
            assert_answered(client.get(path, HTTP_COOKIE=cookies), hostile)


@pytest.mark.parametrize(
    "headers", [["accept-language"], ["accept", "referer", "x-csrftoken", "x-forwarded-for"], ["origin"]], ids=len
)
def test_hostile_strings_in_headers(client, headers):
    client.raise_request_exception = False
    for hostile in [*HOSTILE, MARK]:
        sent = dict.fromkeys(headers, as_sent(hostile))
        assert_answered(client.post("/sign-in/", {"phone_number": "1"}, headers=sent), hostile)
        assert_answered(client.post("/language/", {"language": "ru"}, headers=sent), hostile)


HOSTS = [
    "evil.example",
    "",
    "<script>",
    "a b",
    "testserver:evil",
    "testserver@evil",
    "\0",
    "é",
    "a" * 5000,
    "[::1",
    "_",
]


@pytest.mark.parametrize("allowed", ["testserver", "*"])
def test_hostile_hosts(visitor, allowed, settings, monkeypatch):
    monkeypatch.undo()
    client = visitor("/")
    settings.ALLOWED_HOSTS = [allowed]
    for host, path in product(HOSTS, ("/sign-in/", "/", "/r/ABC234/")):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code < 500, (host, path)
        assert_escaped(answer.content.decode())


@pytest.mark.parametrize("path", READ)
def test_a_type_of_content_that_is_no_form_does_nothing(visitor, outbox, path):
    client = visitor(path)
    sent = len(outbox)
    body = '{"phone_number": "+12015550199", "code": "123456", "referral_code": "A"}'
    for name, content_type in CONTENT_TYPES.items():
        answer = client.generic("POST", path, body, content_type=content_type)
        assert answer.status_code < 500, name
        assert (answer.status_code == 415) == ("charset" in content_type), name
        assert len(outbox) == sent, name


@pytest.mark.parametrize("path", FIELDS)
def test_json_in_place_of_a_form_is_an_empty_form(visitor, outbox, path, text_of):
    client = visitor(path)
    data = {"phone_number": "+12015550199", "code": "123456", "referral_code": "A"}
    answer = client.post(path, data, content_type="application/json")
    if path in {"/", "/sign-in/", "/sign-in/code/"}:
        assert answer.status_code == 400
        assert "This field is required." in text_of(answer)
    assert {message.phone_number for message in outbox} <= {"+12015550100"}


BAD_FORMS = {**FORMS, "10 MB": "phone_number=" + "1" * 10_000_000}


@pytest.mark.parametrize("path", READ)
def test_a_bad_form_is_refused(visitor, path):
    client = visitor(path)
    for (kind, form), name in product(BAD_FORMS.items(), ("phone_number", "code")):
        answer = client.generic(
            "POST", path, form.replace("phone_number", name), content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code < 500, (kind, name)
        if path in {"/", "/sign-in/", "/sign-in/code/"}:
            assert answer.status_code in {400, 413}, (kind, name)


@pytest.mark.parametrize("path", READ)
def test_files_and_broken_parts_are_no_text(visitor, path, outbox):
    client = visitor(path)
    sent = len(outbox)
    names = (b"phone_number", b"code", b"next", b"language", b"csrfmiddlewaretoken")
    for (kind, body), name in product(MULTIPARTS.items(), names):
        answer = client.generic(
            "POST", path, body.replace(b"phone_number", name), content_type="multipart/form-data; boundary=x"
        )
        assert answer.status_code < 500, (kind, name)
        assert len(outbox) == sent, (kind, name)


@pytest.mark.parametrize("path", [*FIELDS, "/r/ABC234/", "/invitees/"])
def test_odd_forms_that_are_checked_for_forgery_break_nothing(path):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for body, content_type in [
        *((each, "application/x-www-form-urlencoded") for each in BAD_FORMS.values()),
        *((each, "multipart/form-data; boundary=x") for each in MULTIPARTS.values()),
        *(("{}", each) for each in CONTENT_TYPES.values()),
    ]:
        answer = client.generic("POST", path, body, content_type=content_type)
        assert answer.status_code in {302, 303, 400, 413, 415}
