"""What is refused before it is read, for the API and for the pages; and what is no fault of the program."""

import codecs
import json
from itertools import product

import pytest
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.authtoken.models import Token

from phone_referrals import urls as api_urls
from phone_referrals.exceptions import NotUTF8
from phone_referrals.http import is_database_down, is_utf8, require_utf8
from phone_referrals.pages import urls as page_urls

BODIES = {
    "application/json": '{"phone_number": "+12015550100", "code": "123456", "referral_code": "A"}',
    "application/x-www-form-urlencoded": "phone_number=%2B12015550100&code=123456&referral_code=A&language=ru",
    "multipart/form-data; boundary=x": '--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n1\r\n--x--\r\n',
}
URLS = [*api_urls.urlpatterns, *page_urls.urlpatterns]


@pytest.mark.parametrize(
    ("charset", "is_ours"),
    [
        *((each, True) for each in ("utf-8", "UTF-8", "utf8", "Utf_8", "U8", '"utf-8"', " utf-8 ", "cp65001")),
        *((each, False) for each in ("utf-16", "utf-7", "utf-8-sig", "latin-1", "ascii", "idna", "punycode")),
        *((each, False) for each in ("bz2", "zlib", "rot13", "base64", "undefined", "nonsense", '""', "é", "x" * 999)),
    ],
)
def test_a_charset_is_utf_8_in_any_of_its_spellings(charset, is_ours):
    request = RequestFactory().generic("POST", "/", b"x", content_type=f"text/plain; charset={charset}")
    assert is_utf8(request) == is_ours


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_a_request_that_names_no_charset_is_utf_8(content_type):
    assert is_utf8(RequestFactory().generic("POST", "/", b"x", content_type=content_type))


def test_no_charset_of_two_is_overlooked():
    for charsets in ("charset=utf-8; charset=idna", "charset=idna; x=utf-8", "charset*=utf-8''idna", "CHARSET=idna"):
        assert not is_utf8(RequestFactory().generic("POST", "/", b"x", content_type=f"text/plain; {charsets}"))


@pytest.fixture
def decoded():
    """The charset `counted`, and what was decoded by it: in a test that counts, nothing has to be slow."""
    decoded = []

    def decode(data, errors="strict"):
        decoded.append(bytes(data))
        return codecs.latin_1_decode(data, errors)

    def search(name):
        return codecs.CodecInfo(codecs.latin_1_encode, decode, name=name) if name == "counted" else None

    codecs.register(search)
    yield decoded
    codecs.unregister(search)


@pytest.fixture
def client(settings, make_user):
    """A signed-in client, by session and by token, that turns what is raised into a 500."""
    settings.ROOT_URLCONF = "tests.pages.urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "phone_referrals.referrals.invites.InviteMiddleware"]
    user = make_user(50)
    key = Token.objects.create(user=user).key
    client = Client(enforce_csrf_checks=True, raise_request_exception=False, headers={"authorization": f"Token {key}"})
    client.force_login(user, "phone_referrals.signin.backend.PhoneCodeBackend")
    return client


def address(pattern):
    app = "phone_referrals_pages" if pattern in page_urls.urlpatterns else "phone_referrals"
    return reverse(f"{app}:{pattern.name}", args=["1"] * len(pattern.pattern.converters))


@pytest.mark.unmeasured
@pytest.mark.django_db
@pytest.mark.parametrize("content_type", BODIES)
def test_no_body_is_decoded_by_the_charset_of_a_stranger(client, decoded, content_type):
    accepts = ("application/json", "text/html")
    for pattern, method, accept in product(URLS, ("GET", "POST", "OPTIONS"), accepts):
        answer = client.generic(
            method,
            address(pattern),
            BODIES[content_type],
            content_type=f"{content_type}; charset=counted",
            headers={"accept": accept},
        )
        assert (answer.status_code, decoded) == (415, []), (pattern.name, method, accept)


@pytest.mark.django_db
def test_a_query_in_another_charset_is_415(client, decoded):
    # Django has read it when it made the request; and failed, if the charset is not for text. Nothing reads it again.
    sent = {"data": "x", "content_type": "text/plain; charset=counted"}
    client.generic("GET", "/nowhere/?ref=%FF", **sent)
    by_django = len(decoded)
    for pattern in URLS:
        decoded.clear()
        answer = client.generic("GET", f"{address(pattern)}?ref=%FF", **sent)
        assert answer.status_code == 415, pattern.name
        assert b"Send UTF-8." in answer.content, pattern.name
        assert len(decoded) == by_django, pattern.name
        if pattern in api_urls.urlpatterns:
            assert answer.json()["code"] == "unsupported_media_type", pattern.name
        else:
            assert answer["Content-Type"] == "text/plain; charset=utf-8", pattern.name


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["name*=counted''%41", "name*0*=counted; name*1*=''%41", "name *= counted''%41"])
@pytest.mark.parametrize("header", ["Content-Disposition: form-data; {}", "Content-Type: text/plain; {}"])
def test_no_part_of_a_form_has_a_charset_of_its_own(client, decoded, name, header):
    body = f"--x\r\nContent-Disposition: form-data\r\n{header.format(name)}\r\n\r\n1\r\n--x--\r\n"
    for pattern in URLS:
        answer = client.generic("POST", address(pattern), body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 415, pattern.name
    assert decoded == []


def test_a_form_that_somebody_else_has_read_is_let_through():
    request = RequestFactory().post("/", {"a": "1"})
    assert request.POST["a"] == "1"
    require_utf8(request)


def test_an_asterisk_is_refused_in_a_form_of_parts_only():
    factory = RequestFactory()
    require_utf8(factory.post("/", {"a": "*"}))
    require_utf8(factory.post("/", json.dumps({"a": "*="}), content_type="application/json"))
    with pytest.raises(NotUTF8):
        require_utf8(factory.post("/", {"a": "* ="}))


@pytest.mark.django_db
def test_the_invite_middleware_leaves_another_charset_alone(client):
    sent = {"data": "x", "content_type": "text/plain; charset=latin-1"}
    assert client.generic("GET", "/elsewhere/?ref=A1B2C3", **sent).status_code == 200
    assert "phone_referrals_invite" not in client.cookies


# The database


@pytest.fixture
def lose(monkeypatch):
    """Lose the database: from now on each statement fails as a driver says it."""

    def lose(error=OperationalError, *, is_usable=False):
        database = connections["default"]

        def execute(*args, **kwargs):
            database.errors_occurred = True
            raise error("connection to server at 127.0.0.1 failed for +12015550100")

        monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", execute)
        monkeypatch.setattr(database, "is_usable", lambda: is_usable)
        monkeypatch.setattr(database, "errors_occurred", False)

    return lose


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_without_a_database_the_api_answers_503(client, error, accept, lose, caplog):
    body = json.dumps({"phone_number": "+12015550100", "code": "123456", "captcha_token": "x"})
    client.logout()
    lose(error)
    for pattern in api_urls.urlpatterns:
        caplog.clear()
        arguments = {} if hasattr(pattern.callback.cls, "get") else {"data": body, "content_type": "application/json"}
        call = client.post if arguments else client.get
        answer = call(address(pattern), headers={"accept": accept}, **arguments)
        assert_unavailable(answer, pattern, caplog)
        if accept == "application/json":
            assert answer.json() == {"detail": "Try again in a moment.", "code": "unavailable"}, pattern.name


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_a_page_answers_503(client, error, lose, caplog):
    lose(error)
    for pattern in page_urls.urlpatterns:
        caplog.clear()
        answer = client.get(address(pattern))
        # The others read nothing.
        if pattern.name in {"profile", "invitees"} or answer.status_code >= 500:
            assert_unavailable(answer, pattern, caplog)


def assert_unavailable(answer, pattern, caplog):
    assert answer.status_code == 503, pattern.name
    assert answer["Retry-After"] == "10", pattern.name
    assert "server at" not in answer.content.decode(), pattern.name
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in errors] == [f"Database down: {address(pattern)}"]


@pytest.mark.database
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/users/get_verify_code/", "/"])
def test_a_statement_that_is_wrong_is_no_database_that_is_down(client, lose, path):
    lose(is_usable=True)
    call = client.post if path.startswith("/api/") else client.get
    assert call(path, {"phone_number": "+12015550100"}).status_code == 500


@pytest.mark.parametrize(
    ("error", "occurred", "usable", "is_down"),
    [
        (OperationalError(), True, False, True),
        (OperationalError(), True, True, False),
        (OperationalError(), False, False, False),
        (ValueError(), True, False, False),
    ],
)
def test_a_database_is_down_where_its_connection_failed(monkeypatch, error, occurred, usable, is_down):
    database = connections["default"]
    monkeypatch.setattr(database, "connection", object())
    monkeypatch.setattr(database, "errors_occurred", occurred)
    monkeypatch.setattr(database, "is_usable", lambda: usable)
    assert is_database_down(error) == is_down
    monkeypatch.setattr(database, "connection", None)
    assert is_database_down(error) == (occurred and isinstance(error, OperationalError))


@pytest.mark.skipif(connections["default"].vendor != "postgresql", reason="SQLite has no server that could go away")
@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_server_that_ends_the_connection_is_down_once(client):
    database = connections["default"]
    for path in ("/api/users/me/", "/"):
        assert client.get(path).status_code == 200
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        other = database.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()
        answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        close_old_connections()  # As at the end of a request; the test's client leaves it out.
        assert client.get(path).status_code == 200
