"""A site with a SimpleJWT login of its own beside the package. `test_hosts.py` runs this in a process of its own."""

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from rest_framework.test import APIClient

from phone_referrals.testing import last_code, sign_in
from phone_referrals.tokens import jwt

pytestmark = pytest.mark.django_db

PHONE, NEW = "+12015550100", "+12015550102"
WHERE = ["/api/users/me/", "/api/orders/"]
LOGIN = {"username": "somebody", "password": "by the lake 7"}


@pytest.fixture(autouse=True)
def user():
    return get_user_model().objects.create_user(**LOGIN, phone_number=PHONE)


def log_in():
    """Log in by password, at the site's own view."""
    client = APIClient()
    client.answer = client.post("/api/token/", LOGIN).json()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {client.answer['access']}"
    return client


def by_phone():
    client = APIClient()
    client.answer = sign_in(client, PHONE)
    return client


def statuses(client):
    """Return what the package's view, the site's own and the refreshing of the token answer."""
    refreshed = APIClient().post("/api/token/refresh/", {"refresh": client.answer["refresh"]})
    return [*(client.get(path).status_code for path in WHERE), refreshed.status_code]


def log_out(client):
    return client.post("/api/users/logout/")


def log_out_everywhere(client):
    return client.post("/api/users/logout_all/")


def change_phone(client):
    asked = client.post("/api/users/me/phone/get_verify_code/", {"phone_number": NEW}).json()
    codes = {"code": last_code(NEW, "change_phone")}
    if asked["current_code_required"]:
        codes["current_code"] = last_code(PHONE, "confirm_change")
    return client.post("/api/users/me/phone/", {"phone_number": NEW, **codes})


def delete(client):
    client.post("/api/users/me/get_verify_code/")
    return client.post("/api/users/me/delete/", {"code": last_code(PHONE, "delete_account")})


def test_the_host_passes_every_check():
    assert run_checks() == []


def test_a_line_that_is_missing_is_named(settings, monkeypatch):
    theirs = "rest_framework_simplejwt.authentication.JWTAuthentication"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": [theirs]}
    # SimpleJWT makes other settings of a change of them, which the modules that have read these do not see.
    serializer = "rest_framework_simplejwt.serializers.TokenRefreshSerializer"
    monkeypatch.setattr(jwt.api_settings, "TOKEN_REFRESH_SERIALIZER", serializer)
    assert {each.id for each in run_checks()} == {"phone_referrals.W012", "phone_referrals.E019"}


def test_tokens_of_both_logins_are_read_everywhere():
    assert statuses(log_in()) == statuses(by_phone()) == [200, 200, 200]


@pytest.mark.parametrize("end", [log_out_everywhere, change_phone, delete])
@pytest.mark.parametrize("log_in_to_end", [log_in, by_phone])
def test_tokens_of_both_logins_end(end, log_in_to_end):
    clients = [log_in(), by_phone()]
    assert end(log_in_to_end()).status_code in {200, 204}
    assert [statuses(client) for client in clients] == [[401, 401, 401]] * 2


def test_logging_out_by_phone_ends_that_sign_in_only():
    phone, other, password = by_phone(), by_phone(), log_in()
    assert log_out(phone).status_code == 204
    assert statuses(phone) == [401, 401, 401]
    assert statuses(other) == statuses(password) == [200, 200, 200]


def test_logging_out_of_the_site_s_login_ends_all():
    phone, password = by_phone(), log_in()
    assert log_out(password).status_code == 204
    assert statuses(phone) == statuses(password) == [401, 401, 401]


def test_what_is_refreshed_of_the_site_s_login_ends_too():
    client = log_in()
    fresh = client.post("/api/token/refresh/", {"refresh": client.answer["refresh"]}).json()["access"]
    log_out_everywhere(by_phone())
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {fresh}").get("/api/orders/").status_code == 401
