"""Every block of the how-to pages, as a site would use it."""

import re
import sys
import unittest
from pathlib import Path
from types import ModuleType, SimpleNamespace

import apprise
import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.template.loader import get_template
from django.test import override_settings
from django.urls import include, path
from rest_framework.test import APIClient

from phone_referrals.exceptions import CaptchaFailed, NotEligible
from phone_referrals.models import PhoneVerification
from phone_referrals.referrals import codes
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin.guards import SendRequest
from phone_referrals.testing import sign_in as sign_in_anywhere
from tests.docs.blocks import blocks
from tests.docs.pages import PAGES, ROOT

pytestmark = pytest.mark.django_db

urlpatterns = [path("", include("phone_referrals.pages.urls"))]

HOWTO = {
    name.removeprefix("docs/howto/").removesuffix(".md"): text for name, text in PAGES.items() if "/howto/" in name
}
del HOWTO["clients"]  # They are run by tests/clients/run.py.


def read_blocks():
    """Return the blocks of modules by page and name, and those of settings."""
    modules, settings = {}, []
    for page, text in HOWTO.items():
        for block in blocks(text, "python"):
            file = re.match(r"# ([\w/]+)\.py\n", block)[1]
            if file == "settings":
                settings.append((page, block))
            else:
                modules[page, file.removeprefix("shop/")] = block
    return modules, settings


BLOCKS, SETTINGS = read_blocks()


@pytest.fixture(autouse=True)
def shop(monkeypatch):
    """A site whose modules are the blocks of a page: `shop("sms_gateway", "sms")`."""
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))

    def module(page, name):
        made = ModuleType(f"shop.{name}")
        monkeypatch.setitem(sys.modules, made.__name__, made)
        exec(BLOCKS[page, name], made.__dict__)  # noqa: S102 - our own page
        return made

    return module


def test_every_block_has_a_test():
    source = Path(__file__).read_text()
    assert [key for key in BLOCKS if f'shop("{key[0]}", "{key[1]}")' not in source] == []


@pytest.mark.parametrize(("page", "block"), SETTINGS, ids=[page for page, _ in SETTINGS])
def test_settings_are_right_where_the_modules_of_their_page_are(page, block, shop, settings):
    for of_page, name in BLOCKS:
        if of_page == page:
            shop(page, name)
    said = {"INSTALLED_APPS": [*settings.INSTALLED_APPS]}
    exec(block, said)  # noqa: S102 - our own page
    ours = {name: value for name, value in said.items() if name.startswith("PHONE_REFERRALS_")}
    assert ours or {"LOGIN_URL", "LOCALE_PATHS"} & said.keys()
    # Not overridden: what the admin knows of an app would outlive it.
    assert set(said["INSTALLED_APPS"]) <= set(settings.INSTALLED_APPS)
    if "TASKS" in said:
        ours["TASKS"] = said["TASKS"]
    with override_settings(**ours):
        assert run_checks() == []


def test_the_mixin_is_added_as_a_host_adds_it():
    # Not `shop("existing_users", "models")`, which would be one more model of users.
    host = ROOT.joinpath("tests/hosts/abstract_user/models.py").read_text()
    for line in BLOCKS["existing_users", "models"].splitlines()[1:]:
        assert line.removesuffix(" ...") in host


def test_a_subclassed_view_and_serializer_answer_with_more(shop, sign_in, phone):
    client = sign_in(phone)
    shop("extend_api", "api")
    shop("extend_api", "urls")
    with override_settings(ROOT_URLCONF="shop.urls"):
        answer = client.get("/api/users/me/").json()
    assert answer["phone_number"] == phone
    assert answer["joined"]


def test_an_sms_gateway_takes_messages_or_refuses_them(shop, settings, api, phone):
    sent, settings.PHONE_REFERRALS_SMS_BACKEND = [], "shop.sms.SmsBackend"
    gateway = SimpleNamespace(send=lambda **message: sent.append(message) or len(sent) > 1)
    shop("sms_gateway", "sms").gateway = gateway
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}).json()["code"] == "delivery_failed"
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}).status_code == 200
    assert sent[1]["to"] == phone


@pytest.mark.parametrize("url", re.findall(r"`(\w+://[^`]+\{phone_number\})`", HOWTO["apprise"]))
def test_apprise_reads_the_urls(url, phone):
    filled = url.replace("{phone_number}", phone).replace("FROM", "+12015550199").replace("REGION", "us-east-1")
    # Of the form that each gateway gives its keys.
    filled = filled.replace("SID", "AC" + "a" * 32).replace("SERVICE_PLAN", "b" * 32).replace("TOKEN", "c" * 32)
    filled = filled.replace("AUTH_ID", "d" * 25).replace("KEY_ID", "e" * 20).replace("SECRET", "f" * 40)
    assert apprise.Apprise.instantiate(filled.replace("KEY", "a1b2c3d4")) is not None


def test_a_token_is_issued_read_and_ended(shop, settings, sign_in, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "shop.tokens.SignedTokenIssuer"
    shop("own_token", "tokens")
    answer = sign_in(phone).answer
    client = APIClient(HTTP_AUTHORIZATION=f"{answer['token_type']} {answer['token']}")
    assert client.get("/api/users/me/").json()["phone_number"] == phone
    assert client.post("/api/users/logout/").status_code == 204
    assert client.get("/api/users/me/").status_code == 401
    assert APIClient(HTTP_AUTHORIZATION="Signed nonsense").get("/api/users/me/").status_code == 401
    assert APIClient().get("/api/users/me/").headers["WWW-Authenticate"] == "Signed"


def test_json_web_tokens_are_refreshed(shop, settings, sign_in, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.jwt.JWTIssuer"
    shop("jwt", "urls")
    answer = sign_in(phone).answer
    assert {"token", "refresh", "expires_in"} <= answer.keys()
    assert answer["token_type"] == "Bearer"
    with override_settings(ROOT_URLCONF="shop.urls"):
        fresh = APIClient().post("/api/token/refresh/", {"refresh": answer["refresh"]}).json()["access"]
        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {fresh}").get("/api/users/me/").status_code == 200


def test_users_are_made_as_the_site_makes_them(shop, settings, make_user):
    settings.PHONE_REFERRALS_ACCOUNTS = "shop.accounts.Accounts"
    shop("own_users", "accounts")
    assert make_user(1).check_password("welcome")


def test_users_leave_as_the_site_lets_them(shop, settings, sign_in, last_code, phone, django_user_model):
    settings.PHONE_REFERRALS_DELETE_USER = "shop.leaving.anonymise"
    shop("own_users", "leaving")
    client = sign_in(phone)
    client.post("/api/users/me/get_verify_code/")
    assert client.post("/api/users/me/delete/", {"code": last_code(phone)}).status_code == 204
    assert django_user_model.objects.get(pk=client.answer["user"]["id"]).is_active is False
    assert client.get("/api/users/me/").status_code == 401


def test_a_code_is_made_by_the_sites_generator_and_typed_in_any_spelling(shop, settings, make_user):
    settings.PHONE_REFERRALS_CODE_GENERATOR = "shop.codes.generate"
    shop("redeem_rules", "codes")
    code = code_of(make_user(1)).code
    assert code.startswith("SH0P")
    assert redeem(make_user(2), f"shop-{code[4:]}").code == codes.fold(code)


def test_rules_refuse_a_redeemer(shop, settings, make_user):
    settings.PHONE_REFERRALS_REDEEM_RULES = ["shop.rules.customers_only"]
    rules = shop("redeem_rules", "rules")
    with pytest.raises(NotEligible, match=r"Buy something first\."):
        redeem(make_user(1), code_of(make_user(2)).code)
    assert rules.first_month.days == 30


def test_a_code_for_a_campaign_is_limited(shop, make_user):
    old = code_of(make_user(1))
    shop("redeem_rules", "campaign").give(old.user, "spring-26")
    code = code_of(old.user)
    assert (code.code, code.max_uses) == ("SPR1NG26", 1000)
    assert redeem(make_user(2), "Spring 26").code == code.code
    assert redeem(make_user(3), old.code).code == old.code


def test_a_captcha_is_asked_for(shop):
    captcha = shop("captcha", "captcha").captcha
    with pytest.raises(CaptchaFailed):
        captcha(SendRequest(phone_number="+12015550100", purpose="sign_in"))


def test_a_guard_refuses_a_message(shop, settings, api, phone, outbox):
    settings.PHONE_REFERRALS_SEND_GUARDS = ["shop.guards.business_hours"]
    shop("captcha", "guards")
    answer = api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "3"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "We are closed.", "code": "closed"})
    assert outbox == []
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "12"}).status_code == 200


def test_a_receiver_rewards_the_referrer(shop, make_user, django_capture_on_commit_callbacks):
    rewards = shop("rewards", "rewards").rewards
    referrer, referred = make_user(1), make_user(2)
    with django_capture_on_commit_callbacks(execute=True):
        redeem(referred, code_of(referrer).code)
    assert rewards == [(referrer.pk, 10)]
    referrer_of = shop("rewards", "orders").referrer_of
    assert (referrer_of(referred), referrer_of(referrer)) == (referrer, None)


def test_staff_see_a_network_and_unlock_a_phone(shop, django_user_model, phone):
    page = shop("admin", "admin").UserAdmin(django_user_model, admin.site)
    assert "phone_referral_network" in page.get_readonly_fields(None, django_user_model())
    PhoneVerification.objects.create(phone_number=phone, purpose="sign_in", wrong_guesses_since_success=100)
    shop("admin", "support").unlock(phone)
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 0


def test_the_pages_have_an_address(shop, client):
    shop("pages", "urls")
    with override_settings(ROOT_URLCONF="shop.urls"):
        assert client.get("/account/sign-in/").status_code == 200


def test_a_template_of_the_site_takes_the_place_of_ours(settings, tmp_path, client):
    (template,) = blocks(HOWTO["templates"], "html")
    (tmp_path / "phone_referrals").mkdir()
    (tmp_path / "phone_referrals/base.html").write_text(template)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.docs.test_howto"
    assert b"<footer>The shop</footer>" in client.get("/sign-in/").content


def test_the_blocks_of_the_base_template_are_listed():
    base = get_template("phone_referrals/base.html").origin.name
    shown = re.search(r"Its blocks are (.+?)\. The pages", HOWTO["templates"], re.DOTALL)[1]
    assert set(re.findall(r"`(\w+)`", shown)) == set(re.findall(r"{% block (\w+) %}", Path(base).read_text()))


def test_a_site_tests_itself(shop, client):
    assert shop("test_your_site", "conftest").pytest_plugins == ["phone_referrals.testing.fixtures"]
    shop("test_your_site", "test_profile").test_a_profile_shows_the_number(client, sign_in_anywhere)
    case = shop("test_your_site", "tests").ProfileTest
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
