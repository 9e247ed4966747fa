"""A site with sign-in alone: every call and page, and no word of referrals. Run by `test_hosts.py`."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from drf_spectacular.generators import SchemaGenerator

from phone_referrals.models import Referral, ReferralCode

pytestmark = pytest.mark.django_db

PHONE, NEW = "+12015550100", "+12015550102"


@pytest.fixture
def me(sign_in):
    return sign_in(PHONE)


@pytest.fixture
def browser(last_code):
    client = Client()
    client.post("/sign-in/", {"phone_number": PHONE})
    client.post("/sign-in/code/", {"code": last_code(PHONE)})
    return client


def no_word_of_referrals(text):
    return not re.search("referr|invit", text, re.IGNORECASE)


def test_the_host_passes_every_check_without_referrals():
    assert run_checks() == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    messages = [each for each in run_checks(include_deployment_checks=True) if each.id.startswith("phone_referrals")]
    assert messages
    named = re.compile("phone_referrals", re.IGNORECASE)
    assert [each for each in messages if not no_word_of_referrals(named.sub("", f"{each.msg} {each.hint}"))] == []


def test_a_user_signs_up_and_has_no_referral_code(me):
    assert {*me.answer} == {"token", "token_type", "created", "user"}
    assert me.get("/api/users/me/").json() == {"id": me.answer["user"]["id"], "phone_number": PHONE}
    assert not ReferralCode.objects.exists()


def test_a_phone_is_changed_and_the_account_deleted(me, sign_in, last_code):
    me.post("/api/users/me/phone/get_verify_code/", {"phone_number": NEW})
    codes = {"code": last_code(NEW), "current_code": last_code(PHONE)}
    assert me.post("/api/users/me/phone/", {"phone_number": NEW, **codes}).status_code == 200
    me = sign_in(NEW)
    assert me.answer["created"] is False
    me.post("/api/users/me/get_verify_code/")
    assert me.post("/api/users/me/delete/", {"code": last_code(NEW)}).status_code == 204
    assert not get_user_model().objects.exists()
    assert not Referral.objects.exists()


def test_sessions_and_the_ends_of_tokens(me, sign_in, settings):
    assert me.get("/api/users/me/sessions/").status_code == 404
    assert me.post("/api/users/logout/").status_code == 204
    assert sign_in(PHONE).post("/api/users/logout_all/").status_code == 204
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.session.SessionIssuer"
    me = sign_in(PHONE)
    (session,) = me.get("/api/users/me/sessions/").json()["results"]
    assert session["is_current"]
    assert me.post("/api/users/me/sessions/end_others/").status_code == 204
    (session,) = me.get("/api/users/me/sessions/").json()["results"]  # Under another key, by which it is named.
    assert me.post(f"/api/users/me/sessions/{session['id']}/end/").status_code == 204
    assert me.get("/api/users/me/").status_code == 401


def test_the_pages_sign_in_and_out(browser):
    page = browser.get("/")
    assert page.status_code == 200
    assert "+1 201-555-0100" in page.content.decode()
    assert no_word_of_referrals(page.content.decode().replace("phone_referrals", ""))
    for path in ("/sign-in/", "/sign-in/code/", "/sign-out/", "/sign-out/everywhere/"):
        assert browser.get(path).status_code == 303
    assert browser.post("/language/", {"language": "ru", "next": "/"}).status_code == 302
    assert browser.post("/sign-out/everywhere/").status_code == 303
    assert browser.get("/").status_code == 302
    assert no_word_of_referrals(browser.get("/sign-in/").content.decode().replace("phone_referrals", ""))


def test_a_code_is_sent_again_on_the_pages(client, outbox):
    client.post("/sign-in/", {"phone_number": PHONE})
    assert client.post("/sign-in/code/again/").status_code == 303
    assert len(outbox) == 1


def test_no_address_or_page_of_the_admin_is_of_referrals():
    names = {name for name in get_resolver("phone_referrals.signin.urls").reverse_dict if isinstance(name, str)}
    assert all(no_word_of_referrals(name) for name in names)
    for name in ("phone_referrals:referrals", "phone_referrals:redeem", "phone_referrals_pages:invite"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    staff = get_user_model().objects.create_superuser("+12015550109", password="by the lake 7")
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    index = client.get("/admin/").content.decode()
    models = re.findall(r'href="/admin/phone_referrals/(\w+)/"', index)
    assert {*models} == {"phoneverification", "smsusage"}
    assert admin.site.is_registered(Referral)


def test_the_description_of_the_api_says_nothing_of_referrals():
    schema = SchemaGenerator().get_schema(public=True)
    assert "/api/users/auth/" in schema["paths"]
    words = str({**schema, "info": ""}).replace("phone_referrals", "").replace("PhoneReferrals", "")
    assert no_word_of_referrals(words)
