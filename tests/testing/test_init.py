import pytest
from django.test import Client
from rest_framework.parsers import JSONParser
from rest_framework.test import APIClient

from phone_referrals import testing
from phone_referrals.api import ApiView
from phone_referrals.referrals.codes import code_of
from phone_referrals.signin.verification import request_code

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("client_class", [Client, APIClient])
def test_a_client_that_has_signed_in_sends_its_token(client_class, phone):
    client = client_class()
    answer = testing.sign_in(client, "+1 (201) 555-0100")
    assert answer["created"] is True
    assert client.get("/api/users/me/").json()["phone_number"] == phone


def test_what_is_given_goes_with_the_code(make_user, phone):
    answer = testing.sign_in(Client(), phone, referral_code=code_of(make_user(1)).code)
    assert answer["referral"]["redeemed"] is True


def test_a_client_of_a_site_with_sessions_sends_its_cookie(settings, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    client = Client()
    assert testing.sign_in(client, phone)["token"] is None
    assert client.get("/api/users/me/").json()["phone_number"] == phone


def test_a_site_may_read_nothing_but_json(monkeypatch, phone):
    monkeypatch.setattr(ApiView, "parser_classes", [JSONParser])
    assert testing.sign_in(Client(), phone)["created"] is True


def test_no_limit_per_address_is_met(settings, phone):
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"phone_referrals_get_verify_code": "1/day", "phone_referrals_auth": "1/day"},
    }
    for _ in range(3):
        testing.sign_in(Client(), phone)


def test_the_last_code_is_known_whatever_sent_it(settings, last_code, phone):
    with pytest.raises(LookupError, match=r"\+1 \*\*\* \*\*\* \*\*00"):
        testing.last_code(phone)
    request_code(phone_number=phone, host="example.com")
    assert testing.last_code(phone) == last_code(phone)
    testing.sign_in(Client(), "+12015550101")
    with pytest.raises(LookupError):
        testing.last_code("+12015550101")


def test_a_refusal_is_shown_where_it_happens(settings, phone):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["FR"]
    with pytest.raises(AssertionError, match="region_not_served"):
        testing.sign_in(Client(), phone)


def test_a_disabled_user_is_not_signed_in(make_user, phone):
    user = make_user(0)
    user.is_active = False
    user.save()
    with pytest.raises(AssertionError, match="account_disabled"):
        testing.sign_in(Client(), phone)
