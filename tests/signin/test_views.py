import pytest
from django.contrib.auth.signals import user_logged_out
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from phone_referrals.models import ReferralCode

pytestmark = pytest.mark.django_db

GET_CODE = "/api/users/get_verify_code/"


@pytest.fixture
def logged_out():
    """Who has logged out."""
    users = []

    def receiver(sender, user, request, **kwargs):
        users.append(user)

    user_logged_out.connect(receiver)
    yield users
    user_logged_out.disconnect(receiver)


# Asking for a code


def test_a_code_is_sent_and_not_told(api, phone, outbox):
    answer = api.post(GET_CODE, {"phone_number": "+1 (201) 555-0100"}, format="json")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("request_id")
    assert told == {"phone_number": phone, "expires_in": 600, "resend_in": 30}
    assert [message.phone_number for message in outbox] == [phone]


def test_a_code_is_told_where_it_is_echoed(api, settings, phone, last_code):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    answer = api.post(GET_CODE, {"phone_number": phone}).json()
    assert answer["code"] == last_code(phone)


def test_asking_too_soon_is_answered_with_how_long_to_wait(api, phone):
    api.post(GET_CODE, {"phone_number": phone})
    answer = api.post(GET_CODE, {"phone_number": phone})
    assert (answer.status_code, answer.json()["code"]) == (429, "resend_too_soon")
    assert 0 < int(answer["Retry-After"]) <= 30


def test_a_failing_gateway_is_503_and_costs_no_wait(api, settings, phone, outbox):
    settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.SilentSmsBackend"
    answer = api.post(GET_CODE, {"phone_number": phone})
    assert (answer.status_code, answer.json()["code"]) == (503, "delivery_failed")
    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
    assert api.post(GET_CODE, {"phone_number": phone}).status_code == 200
    assert len(outbox) == 1


@pytest.mark.parametrize(
    ("asked", "setting", "named"),
    [
        ("example.com", "", "example.com"),
        ("example.com:8000", "", "example.com"),
        ("api.example.com", "example.com", "example.com"),
    ],
)
def test_a_message_names_the_asked_host_or_the_settings(api, settings, phone, outbox, asked, setting, named):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PHONE_REFERRALS_SITE_HOST = setting
    api.post(GET_CODE, {"phone_number": phone}, HTTP_HOST=asked)
    assert outbox[0].text.splitlines()[-1].startswith(f"@{named} #")


def test_a_message_is_in_the_language_of_the_visitor(api, phone, outbox):
    api.post(GET_CODE, {"phone_number": phone}, HTTP_ACCEPT_LANGUAGE="ru-RU,ru;q=0.9")
    assert "код" in outbox[0].text


def test_a_code_is_asked_for_by_post_only(api):
    assert api.get(GET_CODE).status_code == 405


# Signing out


@pytest.mark.parametrize("path", ["/api/users/logout/", "/api/users/logout_all/"])
def test_signing_out_ends_the_token(sign_in, phone, logged_out, path):
    client = sign_in(phone)
    assert client.get("/api/users/me/").status_code == 200
    answer = client.post(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Token.objects.exists()
    assert client.get("/api/users/me/").status_code == 401
    assert [str(user.phone_number) for user in logged_out] == [phone]


@pytest.mark.parametrize("path", ["/api/users/logout/", "/api/users/logout_all/"])
def test_signing_out_leaves_other_users_signed_in(sign_in, phone, other_phone, path):
    mine, others = sign_in(phone), sign_in(other_phone)
    mine.post(path)
    assert others.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize(("path", "tokens"), [("/api/users/logout/", 1), ("/api/users/logout_all/", 0)])
def test_a_session_ends_alone_unless_all_are_to_end(make_user, logged_out, path, tokens):
    user = make_user()
    Token.objects.create(user=user)
    client = APIClient()
    client.force_login(user)
    assert client.get("/api/users/me/").status_code == 200
    assert client.post(path).status_code == 204
    assert "_auth_user_id" not in client.session
    assert client.get("/api/users/me/").status_code == 401
    assert Token.objects.count() == tokens
    assert logged_out == [user]


@pytest.mark.parametrize("path", ["/api/users/logout/", "/api/users/logout_all/"])
def test_only_who_is_signed_in_can_sign_out(api, path):
    answer = api.post(path)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


# A site that has sign-in alone


@pytest.mark.urls("phone_referrals.signin.urls")
def test_sign_in_alone_says_nothing_of_referrals(api, phone, send_code):
    data = {"phone_number": phone, "code": send_code(phone), "referral_code": "ABCDEF"}
    answer = api.post("/users/auth/", data, format="json")
    assert answer.status_code == 201
    assert set(answer.json()) == {"token_type", "token", "created", "user"}
    api.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    assert api.get("/users/me/").json() == {"id": answer.json()["user"]["id"], "phone_number": phone}
    assert not ReferralCode.objects.exists()


@pytest.mark.urls("phone_referrals.signin.urls")
def test_an_account_is_deleted_without_referrals(api, make_user, phone, last_code):
    user = make_user()
    api.force_authenticate(user)
    api.post("/users/me/get_verify_code/")
    assert api.post("/users/me/delete/", {"code": last_code(phone)}).status_code == 204
    assert not type(user).objects.exists()
