from collections import Counter
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from rest_framework.views import APIView

from phone_referrals.models import UserSession
from phone_referrals.tokens import SessionIssuer, follow_key, get_issuer
from tests.tokens.conftest import Handler, status

pytestmark = pytest.mark.django_db

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


@pytest.fixture(autouse=True)
def session(use):
    use("session")


@pytest.fixture
def browser():
    return APIClient(enforce_csrf_checks=True)


def test_signing_in_needs_the_csrf_token_of_the_first_call(browser, phone, last_code):
    """Else a page of another site could sign its visitors in here, as somebody it knows."""
    browser.post("/api/users/get_verify_code/", {"phone_number": phone})
    data = {"phone_number": phone, "code": last_code(phone)}
    assert browser.post("/api/users/auth/", data).status_code == 403
    token = browser.cookies["csrftoken"].value
    assert browser.post("/api/users/auth/", data, headers={"x-csrftoken": token}).status_code == 201


def test_writing_needs_a_csrf_token(browser, phone, last_code):
    browser.post("/api/users/get_verify_code/", {"phone_number": phone})
    data, headers = (
        {"phone_number": phone, "code": last_code(phone)},
        {"x-csrftoken": browser.cookies["csrftoken"].value},
    )
    browser.post("/api/users/auth/", data, headers=headers)
    assert status(browser) == 200
    assert browser.post("/api/users/logout/").status_code == 403
    # It changes with every sign-in.
    assert browser.post("/api/users/logout/", headers=headers).status_code == 403
    headers = {"x-csrftoken": browser.cookies["csrftoken"].value}
    assert browser.post("/api/users/logout/", headers=headers).status_code == 204


def test_no_sign_in_keeps_the_key_of_what_was_before(sign_in, phone, other_phone, last_code):
    client = APIClient()
    client.session.save()
    keys = [client.cookies["sessionid"].value]
    for number in (phone, phone, other_phone):
        client.post("/api/users/get_verify_code/", {"phone_number": number})
        client.post("/api/users/auth/", {"phone_number": number, "code": last_code(number)})
        assert client.get("/api/users/me/").json()["phone_number"] == number
        keys.append(client.cookies["sessionid"].value)
    assert len(set(keys)) == 4
    assert Session.objects.count() == 1
    assert len(client.get("/api/users/me/sessions/").json()["results"]) == 1


def begin_elsewhere(user):
    """Sign in as the pages of a host do."""
    client = APIClient()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.mark.parametrize("path", ["logout_all/", "me/sessions/end_others/"])
def test_sessions_that_began_elsewhere_are_ended_too(sign_in, phone, path):
    client = sign_in(phone)
    elsewhere = begin_elsewhere(get_user_model().objects.get())
    assert status(elsewhere) == 200
    client.post(f"/api/users/{path}")
    assert status(elsewhere) == 401
    assert status(client) == (401 if path == "logout_all/" else 200)


@pytest.mark.parametrize("path", ["logout_all/", "me/sessions/end_others/"])
def test_nobody_loses_a_password(sign_in, phone, path):
    user = get_user_model().objects.create_user(phone, "a password")
    client, device, elsewhere = sign_in(phone), sign_in(phone), begin_elsewhere(user)
    client.post(f"/api/users/{path}")
    user.refresh_from_db()
    assert user.check_password("a password")
    # Django binds it to the password: it ends when that is changed.
    assert [status(device), status(elsewhere)] == [401, 200]


def test_sessions_that_are_nowhere_on_the_server_are_refused(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    with pytest.raises(ImproperlyConfigured, match="SESSION_ENGINE"):
        SessionIssuer().issue(None, created=False)


def test_a_site_with_sessions_in_cookies_may_issue_tokens(settings, use, sign_in, phone):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    use("drf")
    client = sign_in(phone)
    assert status(client) == 200
    assert client.post("/api/users/logout_all/").status_code == 204
    assert status(client) == 401


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
def test_every_other_engine_will_do(settings, tmp_path, sign_in, phone, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    one, other = sign_in(phone), sign_in(phone)
    assert len(one.get("/api/users/me/sessions/").json()["results"]) == 2
    one.post("/api/users/me/sessions/end_others/")
    assert [status(one), status(other)] == [200, 401]


def test_sessions_that_have_expired_are_forgotten(sign_in, phone, time_machine):
    time_machine.move_to("2030-01-01")
    sign_in(phone)
    time_machine.move_to("2030-03-01")
    (row,) = sign_in(phone).get("/api/users/me/sessions/").json()["results"]
    assert row["created_at"].startswith("2030-03-01")
    assert UserSession.objects.count() == 1


def test_the_issuer_ends_the_session_of_a_request(sign_in, phone):
    client, other = sign_in(phone), sign_in(phone)
    Handler(client, lambda request: SessionIssuer(request).revoke(request.user))
    assert [status(client), status(other)] == [401, 200]
    assert UserSession.objects.count() == 1


def test_page_sessions_and_knox_tokens_leave_each_other_alone(settings, make_user, rf):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.knox.KnoxTokenIssuer"
    user = make_user(1)
    knox = get_issuer()
    for _ in range(2):
        request = rf.post("/", headers={"user-agent": "a telephone"})
        request.session, request.user = SessionStore(), AnonymousUser()
        user.backend = settings.AUTHENTICATION_BACKENDS[0]
        SessionIssuer(request).issue(user, created=False)
        request.session.save()
        knox.issue(user, created=False)
    assert Counter(UserSession.objects.values_list("kind", flat=True)) == {"session": 2, "knox": 2}
    knox.revoke_all(user)
    knox.issue(user, created=False)
    assert Counter(UserSession.objects.values_list("kind", flat=True)) == {"session": 2, "knox": 1}


@pytest.mark.parametrize("password", [None, "correct horse"])
def test_a_change_of_phone_ends_the_sessions_of_the_pages(
    settings, make_user, rf, password, api, last_code, other_phone
):
    user = make_user(0)
    user.set_password(password)
    user.save()
    request = rf.post("/")
    request.session, request.user = SessionStore(), AnonymousUser()
    user.backend = settings.AUTHENTICATION_BACKENDS[0]
    SessionIssuer(request).issue(user, created=False)
    request.session.save()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    assert browser.get("/api/users/me/").status_code == 200
    api.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.DRFTokenIssuer"

    api.post("/api/users/me/phone/get_verify_code/", {"phone_number": other_phone})
    codes = {"code": last_code(other_phone), "current_code": last_code(str(user.phone_number))}
    answer = api.post("/api/users/me/phone/", {"phone_number": other_phone, **codes})

    assert answer.status_code == 200
    assert browser.get("/api/users/me/").status_code == 401


@pytest.fixture
def change_password():
    """Do what Django's view of that does, after which the session it came by has another key."""

    def change_password(client):
        def change(request):
            request.user.set_password("another password")
            request.user.save()
            update_session_auth_hash(request._request, request.user)

        key = client.cookies["sessionid"].value
        Handler(client, change)
        assert client.cookies["sessionid"].value != key

    return change_password


def statements_of(client):
    with CaptureQueriesContext(connection) as statements:
        assert status(client) == 200
    return [each["sql"].split()[0] for each in statements if "session" in each["sql"]]


@pytest.mark.parametrize("path", ["logout_all/", "me/sessions/end_others/"])
@pytest.mark.parametrize("seen_from", ["/api/users/me/", "/"])
def test_a_session_whose_key_has_changed_is_found_again(settings, sign_in, phone, change_password, seen_from, path):
    settings.ROOT_URLCONF = "tests.pages.urls"
    get_user_model().objects.create_user(phone, "a password")
    client = sign_in(phone)
    before = statements_of(client)
    began = client.get("/api/users/me/sessions/").json()["results"][0]["created_at"]
    change_password(client)
    sign_in(phone)  # Which forgets the key that is no longer.
    assert client.get(seen_from).status_code == 200
    assert statements_of(client) == before
    other = sign_in(phone)
    oldest = other.get("/api/users/me/sessions/").json()["results"][-1]
    apart = datetime.fromisoformat(oldest["created_at"]) - datetime.fromisoformat(began)
    assert abs(apart) < timedelta(seconds=1)
    other.post(f"/api/users/{path}")
    assert status(client) == 401


@pytest.mark.parametrize("session", [{"session": SessionStore()}, {}])
def test_what_did_not_begin_here_is_not_kept(rf, session):
    request = rf.get("/")
    vars(request).update(session)
    follow_key(request, None)
    assert not UserSession.objects.exists()


def test_sessions_are_not_forgotten_while_their_cache_is_down(settings, monkeypatch, sign_in, phone):
    """Django says of such a cache that it has no session, without a word of why."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client, user = sign_in(phone), get_user_model().objects.get()

    def is_down(*args, **kwargs):
        raise ConnectionError

    with monkeypatch.context() as patched:
        for name in ("get", "has_key"):
            patched.setattr(type(cache._connections[cache._alias]), name, is_down)
        with pytest.raises(ConnectionError):
            SessionIssuer().revoke_all(user)
    assert status(client) == 200
    SessionIssuer().revoke_all(user)
    assert status(client) == 401


def test_an_issuer_without_a_request_ends_sessions_and_begins_none(make_user):
    user = make_user()
    assert SessionIssuer().revoke_others(user) == {}
    with pytest.raises(ImproperlyConfigured, match="request"):
        SessionIssuer().issue(user, created=False)


def test_staff_without_a_session_see_masked_numbers_only(settings, make_user):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    make_user(5)
    staff = get_user_model().objects.create_superuser("+12015550109")
    client = APIClient(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=staff).key}")
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    }
    with patch.object(APIView, "authentication_classes", [TokenAuthentication]):
        numbers = {each["phone_number"] for each in client.get("/api/users/").json()["results"]}
    assert numbers == {"+1 *** *** **05", "+12015550109"}
