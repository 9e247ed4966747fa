"""Every block of the how-to pages, as a site would use it."""

import json
import re
import sys
import unittest
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import apprise
import pytest
from django.contrib import admin
from django.core import signing
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from django.template import RequestContext, Template
from django.template.loader import get_template
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path, reverse
from rest_framework.test import APIClient

from phone_referrals import signals
from phone_referrals.accounts import get_accounts
from phone_referrals.base_user import PhoneUserMixin
from phone_referrals.exceptions import AlreadyRedeemed, CaptchaFailed, NotEligible
from phone_referrals.models import PhoneVerification, Referral
from phone_referrals.referrals import codes, invites
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
del HOWTO["clients"]  # They are run by `make clients`.


def read_blocks():
    """Return the blocks of modules by page and name, and those of settings."""
    modules, settings = {}, []
    for page, text in HOWTO.items():
        for block in blocks(text, "python"):
            file = re.match(r"# ([\w/]+)\.py\n", block)[1]
            if file == "config/settings":
                settings.append((page, block))
            else:
                while (page, file) in modules:  # One file, for sites of another kind.
                    file += "_"
                modules[page, file] = block
    return modules, settings


BLOCKS, SETTINGS = read_blocks()


@pytest.fixture(autouse=True)
def shop(monkeypatch):
    """A site whose modules are the blocks of a page: `shop("sms_gateway", "accounts/sms")`."""
    for package in ("accounts", "config"):
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    for signal in (each for each in vars(signals).values() if isinstance(each, Signal)):
        # Receivers of a page would live on, and make statements, until they are collected.
        monkeypatch.setattr(signal, "receivers", [*signal.receivers])

    def module(page, name):
        made = ModuleType(name.replace("/", "."))
        monkeypatch.setitem(sys.modules, made.__name__, made)
        exec(BLOCKS[page, name], made.__dict__)  # noqa: S102 - our own page
        return made

    return module


def test_every_block_has_a_test():
    source = Path(__file__).read_text()
    assert [key for key in BLOCKS if f'shop("{key[0]}", "{key[1]}")' not in source] == []


# Those about other user models: the hosts that have them are tested by `tests/adoption`.
OF_HOSTS = [block for page, block in SETTINGS if page == "profile_phone"]
HALVES = ["signin_only", "referrals_only"]
HERE = [
    (page, block)
    for page, block in SETTINGS
    if page != "profile_phone" and not (page in HALVES and "INSTALLED_APPS" in block)
]


@pytest.mark.parametrize(("page", "block"), HERE, ids=[page for page, _ in HERE])
def test_settings_are_right_where_the_modules_of_their_page_are(page, block, shop, settings):
    for of_page, name in BLOCKS:
        if of_page == page and name.replace("/", ".") in block:
            shop(page, name)
    said = {"INSTALLED_APPS": [*settings.INSTALLED_APPS], "BASE_DIR": ROOT}
    exec(block, said)  # noqa: S102 - our own page
    ours = {name: value for name, value in said.items() if name.startswith("PHONE_REFERRALS_")}
    assert ours or {"LOGIN_URL", "LOCALE_PATHS"} & said.keys()
    # Not overridden: what the admin knows of an app would outlive it.
    assert set(said["INSTALLED_APPS"]) <= set(settings.INSTALLED_APPS)
    if "TASKS" in said:
        ours["TASKS"] = said["TASKS"]
    ours["REST_FRAMEWORK"] = {**settings.REST_FRAMEWORK, **said.get("REST_FRAMEWORK", {})}
    with override_settings(**ours):
        assert run_checks() == []


def test_the_mixin_is_added_as_a_host_adds_it():
    # Not `shop("existing_users", "accounts/models")`, which would be one more model of users.
    host = ROOT.joinpath("tests/hosts/abstract_user/models.py").read_text()
    for line in BLOCKS["existing_users", "accounts/models"].splitlines()[1:]:
        assert line.removesuffix(" ...") in host


def test_both_halves_are_added_as_a_host_adds_them(shop):
    # Not `shop("both", "accounts/models")`, which would be one more model of users.
    assert (
        BLOCKS["both", "accounts/models"].partition("\n")[2]
        == BLOCKS["existing_users", "accounts/models"].partition("\n")[2]
    )
    shop("both", "config/urls")
    with override_settings(ROOT_URLCONF="config.urls"):
        assert reverse("phone_referrals:auth") == "/api/users/auth/"
        assert reverse("phone_referrals:redeem") == "/api/referrals/referral_code/"


@pytest.mark.parametrize("page", HALVES)
def test_a_half_is_added_as_a_host_adds_it(page):
    # Not `shop("signin_only", "config/urls")` or `shop("referrals_only", "config/urls")`: `tests/adoption` drives them.
    host, said = import_module(f"tests.hosts.{page}.settings"), {"INSTALLED_APPS": []}
    exec(next(block for of_page, block in SETTINGS if of_page == page), said)  # noqa: S102 - our own page
    del said["__builtins__"]
    assert set(said.pop("INSTALLED_APPS")) <= set(host.INSTALLED_APPS)
    assert {name: getattr(host, name) for name in said} == said
    included = re.findall(r'path\(.*, include\("phone_.+"\)\)', BLOCKS[page, "config/urls"])
    urls = ROOT.joinpath(f"tests/hosts/{page}/urls.py").read_text()
    assert [line for line in included if line not in urls] == []
    assert len(included) == 2


def test_an_invitation_is_redeemed_as_a_host_does_it():
    # Not `shop("referrals_only", "accounts/receivers")`, for allauth is not installed here.
    host = ROOT.joinpath("tests/hosts/referrals_only/receivers.py").read_text()
    plain = re.sub(r"from typing import Any\n\n|: Any| -> None|  # \+", "", host)
    assert BLOCKS["referrals_only", "accounts/receivers"].partition("\n")[2] == plain


def test_a_site_shows_people_by_name(shop, make_user):
    accounts = shop("referrals_only", "accounts/names").Accounts()
    user = make_user(1)
    for user.get_full_name, shown in ((lambda: "Ada Bell", "Ada Bell"), (lambda: "", "+1 *** *** **01")):
        assert accounts.display_name(user) == shown


def test_an_email_is_the_username_field_as_a_host_has_it():
    # Not `shop("existing_users", "accounts/by_email")`, which would be one more model of users.
    host = re.sub(
        r"  # (\+|(type|pyright).+)| -> None", "", ROOT.joinpath("tests/hosts/email_user/models.py").read_text()
    )
    assert BLOCKS["existing_users", "accounts/by_email"].partition("\n")[2] == host


def test_the_concurrent_column_is_the_mixins(shop):
    column = shop("existing_users", "accounts/migrations/0002_phone_number").COLUMN
    assert column.deconstruct()[1:] == PhoneUserMixin._meta.get_field("phone_number").deconstruct()[1:]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="CONCURRENTLY is PostgreSQL's.")
@pytest.mark.django_db(transaction=True)
def test_both_indexes_are_built_concurrently(shop):
    migration = shop("existing_users", "accounts/migrations/0002_phone_number").Migration
    (separate,) = migration.operations
    assert not migration.atomic
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE accounts_user (id bigint PRIMARY KEY)")
        try:
            for operation in separate.database_operations:
                cursor.execute(operation.sql)
            found = connection.introspection.get_constraints(cursor, "accounts_user")
        finally:
            cursor.execute("DROP TABLE accounts_user")
    assert found["accounts_user_phone"]["unique"]
    assert found["accounts_user_phone_like"]["index"]


def test_a_profile_has_the_phone_as_a_host_has_it():
    # Not `shop("profile_phone", "accounts/models")`, which would be one more table.
    host = ROOT.joinpath("tests/hosts/auth_user/models.py").read_text().replace("  # +", "")
    assert BLOCKS["profile_phone", "accounts/models"].partition("\n")[2].strip() in host
    for block, name in zip(OF_HOSTS, ["auth_user", "profile"], strict=True):
        assert block.splitlines()[1] in ROOT.joinpath(f"tests/hosts/{name}/settings.py").read_text()


def test_who_is_there_already_gives_themselves_a_phone(django_user_model, last_code):
    user = django_user_model.objects.create(pk=1)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    (template,) = blocks(HOWTO["existing_users"], "html")
    form = Template(template).render(RequestContext(request := RequestFactory().get("/")))
    browser.cookies["csrftoken"] = request.META["CSRF_COOKIE"]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
    (block,) = [each for each in blocks(HOWTO["existing_users"], "console") if "curl" in each]
    calls = re.findall(r"^\$ curl -b jar -H '(.+?): …' \$API(\S+) (.+)\n(.+)$", block, re.MULTILINE)
    assert len(calls) == 2
    for header, call, options, shown in calls:
        assert header == "X-CSRFToken"
        sent = {name: value or plain for name, value, plain in re.findall(r"(\w+)=(?:'(.+?)'|(\S+))", options)}
        if "code" in sent:
            sent["code"] = last_code("+12015550110")
        assert sent.keys() <= set(re.findall(r'name="(\w+)"', form))
        assert browser.post(f"/api{call}", sent).json()["code"] == "permission_denied"
        answer = browser.post(f"/api{call}", sent, headers={header: token})
        assert (answer.status_code, answer.json()) == (200, json.loads(shown))
    assert get_accounts().find("+12015550110") == user


def test_a_subclassed_view_and_serializer_answer_with_more(shop, sign_in, phone):
    client = sign_in(phone)
    shop("extend_api", "accounts/api")
    shop("extend_api", "config/urls")
    with override_settings(ROOT_URLCONF="config.urls"):
        answer = client.get("/api/users/me/").json()
    assert answer["phone_number"] == phone
    assert answer["joined"]


def test_an_sms_gateway_takes_messages_or_refuses_them(shop, settings, api, phone, other_phone):
    sent, settings.PHONE_REFERRALS_SMS_BACKEND = [], "accounts.sms.SmsBackend"
    gateway = SimpleNamespace(send=lambda **message: sent.append(message) or len(sent) > 1)
    shop("sms_gateway", "accounts/sms").gateway = gateway
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}).json()["code"] == "delivery_failed"
    other = {"phone_number": other_phone}  # A refusal leaves a wait.
    assert api.post("/api/users/get_verify_code/", other).status_code == 200
    assert sent[1]["to"] == other_phone


@pytest.mark.parametrize("url", re.findall(r"`(\w+://[^`]+\{phone_number\})`", HOWTO["apprise"]))
def test_apprise_reads_the_urls(url, phone):
    filled = url.replace("{phone_number}", phone).replace("FROM", "+12015550199").replace("REGION", "us-east-1")
    # Of the form that each gateway gives its keys.
    filled = filled.replace("SID", "AC" + "a" * 32).replace("SERVICE_PLAN", "b" * 32).replace("TOKEN", "c" * 32)
    filled = filled.replace("AUTH_ID", "d" * 25).replace("KEY_ID", "e" * 20).replace("SECRET", "f" * 40)
    assert apprise.Apprise.instantiate(filled.replace("KEY", "a1b2c3d4")) is not None


def test_a_token_is_issued_read_and_ended(shop, settings, sign_in, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "accounts.tokens.SignedTokenIssuer"
    shop("own_token", "accounts/tokens")
    answer = sign_in(phone).answer
    client = APIClient(HTTP_AUTHORIZATION=f"{answer['token_type']} {answer['token']}")
    assert client.get("/api/users/me/").json()["phone_number"] == phone
    assert client.post("/api/users/logout/").status_code == 204
    assert client.get("/api/users/me/").status_code == 401
    again = sign_in(phone).answer  # What has ended is a token, and not its user.
    client_again = APIClient(HTTP_AUTHORIZATION=f"{again['token_type']} {again['token']}")
    assert client_again.get("/api/users/me/").json()["phone_number"] == phone
    assert client.get("/api/users/me/").status_code == 401
    assert APIClient(HTTP_AUTHORIZATION="Signed nonsense").get("/api/users/me/").status_code == 401
    assert APIClient().get("/api/users/me/").headers["WWW-Authenticate"] == "Signed"


def test_json_web_tokens_are_refreshed(shop, settings, sign_in, phone):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.jwt.JWTIssuer"
    shop("jwt", "config/urls")
    answer = sign_in(phone).answer
    assert {"token", "refresh", "expires_in"} <= answer.keys()
    assert answer["token_type"] == "Bearer"
    with override_settings(ROOT_URLCONF="config.urls"):
        fresh = APIClient().post("/api/token/refresh/", {"refresh": answer["refresh"]}).json()["access"]
        assert APIClient(HTTP_AUTHORIZATION=f"Bearer {fresh}").get("/api/users/me/").status_code == 200


def test_users_are_made_as_the_site_makes_them(shop, settings, make_user):
    settings.PHONE_REFERRALS_ACCOUNTS = "accounts.people.Accounts"
    accounts = shop("own_users", "accounts/people").Accounts
    assert type(get_accounts()) is accounts
    user = make_user(1)
    assert not user.has_usable_password()
    assert accounts().find("+12015550101") == user
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(1)


def test_users_leave_as_the_site_lets_them(shop, settings, sign_in, last_code, phone, django_user_model):
    settings.PHONE_REFERRALS_ACCOUNTS = "accounts.leaving.Accounts"
    shop("own_users", "accounts/leaving")
    client = sign_in(phone)
    client.post("/api/users/me/get_verify_code/")
    assert client.post("/api/users/me/delete/", {"code": last_code(phone)}).status_code == 204
    assert django_user_model.objects.get(pk=client.answer["user"]["id"]).is_active is False
    assert client.get("/api/users/me/").status_code == 401


def test_users_whom_the_site_marks_may_not_sign_in(shop, settings, make_user):
    settings.PHONE_REFERRALS_ACCOUNTS = "accounts.banned.Accounts"
    shop("own_users", "accounts/banned")
    user = make_user(1)
    for user.banned_at, may in ((None, True), ("2030-01-01", False)):
        assert get_accounts().may_sign_in(user) is may


def test_a_site_may_let_in_users_with_a_second_factor(shop, monkeypatch):
    monkeypatch.setattr("phone_referrals.accounts.apps.is_installed", lambda app: True)
    assert shop("second_factor", "accounts/factors").Accounts().has_second_factor(None) is False


def test_a_site_marks_whose_phone_is_proved(shop, sign_in, make_user, phone, django_capture_on_commit_callbacks):
    verified = shop("own_users", "accounts/verified").verified
    known = make_user(1)
    for number, is_new in (("+12015550101", False), (phone, True)):
        with django_capture_on_commit_callbacks(execute=True):
            user = sign_in(number).answer["user"]["id"]
        assert (user != known.pk, user in verified) == (is_new, True)


def test_a_sign_up_of_the_site_redeems_the_invitation(shop, make_user):
    code = code_of(make_user(2)).code
    request = RequestFactory().get("/")
    request.COOKIES[invites.COOKIE] = signing.dumps([code], salt=invites.SALT)
    response = shop("pages", "accounts/joining").welcome(request, user := make_user(1))
    assert Referral.objects.get(referred=user).code == code
    assert response.cookies[invites.COOKIE].value == ""


def test_a_phone_that_the_site_takes_redeems_no_second_time(shop, make_user):
    user, code = make_user(1), code_of(make_user(2)).code
    redeem(user, code)
    shop("own_users", "accounts/moderation").take_phone(user)
    with pytest.raises(AlreadyRedeemed):
        redeem(make_user(1), code)


def test_a_code_of_the_sites_generator_has_any_spelling(shop, settings, make_user):
    settings.PHONE_REFERRALS_CODE_GENERATOR = "accounts.codes.generate"
    shop("redeem_rules", "accounts/codes")
    code = code_of(make_user(1)).code
    assert code.startswith("SH0P")
    assert redeem(make_user(2), f"shop-{code[4:]}").code == codes.fold(code)


def test_rules_refuse_a_redeemer(shop, settings, make_user):
    settings.PHONE_REFERRALS_REDEEM_RULES = ["accounts.rules.no_codes_of_staff"]
    rules = shop("redeem_rules", "accounts/rules")
    user, owner = make_user(1), make_user(2)
    owner.is_staff = True
    owner.save()
    with pytest.raises(NotEligible, match=r"Codes of our staff cannot be entered\."):
        redeem(user, code_of(owner).code)
    assert redeem(user, code_of(make_user(3)).code)
    assert rules.first_month.days == 30


def test_a_code_for_a_campaign_is_limited(shop, make_user):
    old = code_of(make_user(1))
    shop("redeem_rules", "accounts/campaign").give(old.user, "spring-26")
    code = code_of(old.user)
    assert (code.code, code.max_uses) == ("SPR1NG26", 1000)
    assert redeem(make_user(2), "Spring 26").code == code.code
    assert redeem(make_user(3), old.code).code == old.code


def test_a_captcha_is_asked_for(shop):
    captcha = shop("captcha", "accounts/captcha").captcha
    with pytest.raises(CaptchaFailed):
        captcha(SendRequest(phone_number="+12015550100", purpose="sign_in"))


@pytest.mark.django_db
def test_a_captcha_is_asked_for_while_a_ceiling_is_near(shop, settings):
    captcha, request = shop("captcha", "accounts/captcha_").captcha, {"phone_number": "+12015550100"}
    captcha(SendRequest(**request, purpose="sign_in"))
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 0}
    with pytest.raises(CaptchaFailed):
        captcha(SendRequest(**request, purpose="sign_in"))


def test_a_guard_refuses_a_message(shop, settings, api, phone, outbox):
    settings.PHONE_REFERRALS_SEND_GUARDS = ["accounts.guards.business_hours"]
    shop("captcha", "accounts/guards")
    answer = api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "3"})
    assert (answer.status_code, answer.json()) == (403, {"detail": "We are closed.", "code": "closed"})
    assert outbox == []
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone, "hour": "12"}).status_code == 200


def test_a_receiver_rewards_the_referrer(shop, make_user, django_capture_on_commit_callbacks):
    rewards = shop("rewards", "accounts/rewards").rewards
    referrer, referred = make_user(1), make_user(2)
    with django_capture_on_commit_callbacks(execute=True):
        redeem(referred, code_of(referrer).code)
    assert rewards == [(referrer.pk, 10)]
    referrer_of = shop("rewards", "accounts/orders").referrer_of
    assert (referrer_of(referred), referrer_of(referrer)) == (referrer, None)


def test_staff_see_a_network_and_unlock_a_phone(shop, django_user_model, phone):
    page = shop("admin", "accounts/admin").UserAdmin(django_user_model, admin.site)
    assert "phone_referral_network" in page.get_readonly_fields(None, django_user_model())
    assert page.list_display[0] == "username"
    assert page.list_display[-1] == "phone_number"
    PhoneVerification.objects.create(phone_number=phone, purpose="sign_in", wrong_guesses_since_success=100)
    shop("admin", "accounts/support").unlock(phone)
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 0


@pytest.fixture
def no_admin_of_users(django_user_model):
    """The admin before a site has registered its users; afterwards it is what it was."""
    ours = admin.site._registry.pop(django_user_model)
    yield
    admin.site._registry[django_user_model] = ours


def test_staff_add_and_change_users_without_a_username(shop, no_admin_of_users, monkeypatch, client, django_user_model):
    monkeypatch.setitem(sys.modules, "accounts", ModuleType("accounts"))
    monkeypatch.setitem(sys.modules, "accounts.models", SimpleNamespace(User=django_user_model))
    page = shop("admin", "accounts/admin_").UserAdmin
    assert type(admin.site.get_model_admin(django_user_model)) is page
    assert run_checks() == []
    client.force_login(
        django_user_model.objects.create_superuser("+12015550199"), "django.contrib.auth.backends.ModelBackend"
    )
    users = "/admin/phone_first/user/"

    passwords = {"password1": "by the lake 7", "password2": "by the lake 7"}
    typed = {"phone_number": "+1 (201) 555-0101", "usable_password": "true", **passwords}
    assert client.post(f"{users}add/", typed).status_code == 302
    user = django_user_model.objects.get(phone_number="+12015550101")
    assert user.check_password("by the lake 7")

    address = f"{users}{user.pk}/change/"
    assert "phone_referral_network" in client.get(address).content.decode()
    typed = {"phone_number": "+1 (201) 555-0102", "is_active": "on", "is_staff": "on"}
    assert client.post(address, typed).status_code == 302
    user.refresh_from_db()
    assert (str(user.phone_number), user.is_staff, user.is_superuser) == ("+12015550102", True, False)
    assert user.check_password("by the lake 7")
    assert "+12015550102" in client.get(users, {"q": "201 555 0102"}).content.decode()


def test_who_has_signed_up_becomes_a_superuser(sign_in, client, monkeypatch, django_user_model):
    sign_in("+12015550110")
    monkeypatch.setitem(sys.modules, "accounts.models", SimpleNamespace(User=django_user_model))
    monkeypatch.setattr("getpass.getpass", lambda: "by the lake 7")
    (typed,) = blocks(HOWTO["admin"], "console")
    exec("\n".join(re.findall("^>>> (.+)$", typed, re.MULTILINE)), {})  # noqa: S102 - our own page
    assert client.login(phone_number="+12015550110", password="by the lake 7")
    assert client.get("/admin/").status_code == 200
    assert django_user_model.objects.get().is_superuser


def test_the_pages_have_an_address(shop, client):
    shop("pages", "config/urls")
    with override_settings(ROOT_URLCONF="config.urls"):
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
    shown = re.search(r"Its blocks are (.+?)\.\s", HOWTO["templates"], re.DOTALL)[1]
    assert set(re.findall(r"`(\w+)`", shown)) == set(re.findall(r"{% block (\w+) %}", Path(base).read_text()))


def test_the_blocks_that_pages_add_are_listed():
    folder = Path(get_template("phone_referrals/base.html").origin.name).parent
    blocks_in = {file.name: set(re.findall(r"{% block (\w+) %}", file.read_text())) for file in folder.glob("*.html")}
    added = {name: found - blocks_in["base.html"] for name, found in blocks_in.items()}
    assert {name: found for name, found in added.items() if found} == {
        "sign_in.html": {"captcha"},
        "enter_code.html": {"captcha"},
        "referrals.html": {"person", "sign_out"},
        "profile.html": {"person", "sign_out"},
    }
    said = "have the block `captcha`, `profile.html` and `referrals.html` have `person` and `sign_out`."
    assert said in " ".join(HOWTO["templates"].split())


def test_a_site_tests_itself(shop, client):
    assert shop("test_your_site", "conftest").pytest_plugins == ["phone_referrals.testing.fixtures"]
    shop("test_your_site", "test_profile").test_a_profile_shows_the_number(client, sign_in_anywhere)
    case = shop("test_your_site", "tests").ProfileTest
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
