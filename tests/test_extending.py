"""Every block of docs/extending.md, as a site would use it."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from django.test import override_settings
from django.urls import include, path
from rest_framework.test import APIClient

from phone_referrals.exceptions import NotEligible
from phone_referrals.referrals import codes
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem

pytestmark = pytest.mark.django_db

urlpatterns = [path("", include("phone_referrals.pages.urls"))]

PAGE = Path(__file__).parents[1].joinpath("docs/extending.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# shop/(\w+)\.py\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(autouse=True)
def shop(monkeypatch):
    """A site whose modules are the blocks of the page: `shop("sms")`."""
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))

    def module(name):
        made = ModuleType(f"shop.{name}")
        monkeypatch.setitem(sys.modules, made.__name__, made)
        exec(BLOCKS[name], made.__dict__)  # noqa: S102 - our own page
        return made

    return module


def test_every_block_has_a_test():
    source = Path(__file__).read_text()
    assert all(f'shop("{name}")' in source for name in BLOCKS)
    assert len(BLOCKS) == PAGE.count("```python")


def test_a_subclassed_view_and_serializer_answer_with_more(shop, sign_in, phone):
    client = sign_in(phone)
    shop("api")
    shop("urls")
    with override_settings(ROOT_URLCONF="shop.urls"):
        answer = client.get("/api/users/me/").json()
    assert answer["phone_number"] == phone
    assert answer["joined"]


def test_an_sms_gateway_takes_messages_or_refuses_them(shop, settings, api, phone):
    sent, settings.PHONE_REFERRALS_SMS_BACKEND = [], "shop.sms.SmsBackend"
    gateway = SimpleNamespace(send=lambda **message: sent.append(message) or len(sent) > 1)
    shop("sms").gateway = gateway
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}).json()["code"] == "delivery_failed"
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}).status_code == 200
    assert sent[1]["to"] == phone


def test_a_token_is_issued_read_and_ended(shop, settings, sign_in, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "shop.tokens.SignedTokenIssuer"
    shop("tokens")
    answer = sign_in(phone).answer
    client = APIClient(HTTP_AUTHORIZATION=f"{answer['token_type']} {answer['token']}")
    assert client.get("/api/users/me/").json()["phone_number"] == phone
    assert client.post("/api/users/logout/").status_code == 204
    assert client.get("/api/users/me/").status_code == 401
    assert APIClient(HTTP_AUTHORIZATION="Signed nonsense").get("/api/users/me/").status_code == 401
    assert APIClient().get("/api/users/me/").headers["WWW-Authenticate"] == "Signed"


def test_users_are_made_as_the_site_makes_them(shop, settings, make_user):
    settings.PHONE_REFERRALS_ACCOUNTS = "shop.accounts.Accounts"
    shop("accounts")
    assert make_user(1).check_password("welcome")


def test_a_code_is_made_by_the_sites_generator_and_typed_in_any_spelling(shop, settings, make_user):
    settings.PHONE_REFERRALS_CODE_GENERATOR = "shop.codes.generate"
    shop("codes")
    code = code_of(make_user(1)).code
    assert code.startswith("SH0P")
    assert redeem(make_user(2), f"shop-{code[4:]}").code == codes.fold(code)


def test_a_rule_refuses_a_redeemer(shop, settings, make_user):
    settings.PHONE_REFERRALS_REDEEM_RULES = ["shop.rules.customers_only"]
    shop("rules")
    with pytest.raises(NotEligible, match=r"Buy something first\."):
        redeem(make_user(1), code_of(make_user(2)).code)


def test_a_guard_refuses_a_message(shop, settings, api, phone, outbox):
    settings.PHONE_REFERRALS_SEND_GUARDS = ["shop.guards.business_hours"]
    shop("guards")
    answer = api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "3"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "We are closed.", "code": "closed"})
    assert outbox == []
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "12"}).status_code == 200


def test_a_receiver_rewards_the_referrer(shop, make_user, django_capture_on_commit_callbacks):
    rewards = shop("rewards").rewards
    referrer = make_user(1)
    with django_capture_on_commit_callbacks(execute=True):
        redeem(make_user(2), code_of(referrer).code)
    assert rewards == [(referrer.pk, 10)]


def test_a_template_of_the_site_takes_the_place_of_ours(settings, tmp_path, client):
    (template,) = re.findall(r"```html\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "phone_referrals").mkdir()
    (tmp_path / "phone_referrals/base.html").write_text(template)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.test_extending"
    assert b"<footer>The shop</footer>" in client.get("/sign-in/").content
