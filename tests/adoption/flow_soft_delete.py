"""Rules of a site that hides the rows of deleted users. `test_hosts.py` runs this in a process of its own."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from phone_referrals.accounts import PhoneAccounts, get_accounts
from tests.tokens.conftest import ISSUERS, status
from tests.tokens.test_jwt import refresh

pytestmark = pytest.mark.django_db

User = get_user_model()
PHONE, FRIEND = "+12015550100", "+12015550101"


class Accounts(PhoneAccounts):
    """A host that bans by a column of its own, and hides nobody for it."""

    def may_sign_in(self, user):
        return super().may_sign_in(user) and not user.is_banned


def hide(settings):
    User.objects.filter(phone_number=PHONE).update(deleted_at=timezone.now())


def ban(settings):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.Accounts"
    User.objects.filter(phone_number=PHONE).update(is_banned=True)


def disable(settings):
    User.objects.filter(phone_number=PHONE).update(is_active=False)


@pytest.fixture(params=[hide, ban, disable])
def gone(request, settings):
    return lambda: request.param(settings)


@pytest.fixture(params=ISSUERS)
def kind(request, settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = ISSUERS[request.param]
    return request.param


def code_of(client):
    return client.get("/api/users/me/").json()["referral_code"]


def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_user_who_is_gone_is_refused_after_the_proof(kind, gone, sign_in, send_code, api):
    sign_in(PHONE)
    gone()
    answer = api.post("/api/users/auth/", {"phone_number": PHONE, "code": send_code(PHONE)})
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")


def test_a_user_who_is_gone_is_told_so_on_the_page(gone, sign_in, last_code):
    sign_in(PHONE)
    gone()
    browser = Client()
    browser.post("/sign-in/", {"phone_number": PHONE})
    answer = browser.post("/sign-in/code/", {"code": last_code(PHONE)})
    assert answer.status_code == 403
    assert "This account is disabled." in answer.content.decode()


def test_no_token_or_session_of_a_user_who_is_gone_is_read(kind, gone, sign_in):
    client = sign_in(PHONE)
    assert status(client) == 200
    gone()
    assert status(client) == 401
    if kind == "jwt":
        with pytest.raises(Exception, match=r"disabled|not found|inactive"):
            refresh(client.answer["refresh"])


def test_no_session_of_the_pages_is_read(gone, sign_in):
    sign_in(PHONE)
    browser = Client()
    browser.force_login(User.objects.get(), "phone_referrals.signin.backend.PhoneCodeBackend")
    assert browser.get("/").status_code == 200
    gone()
    assert browser.get("/").status_code == 302


def test_the_code_of_a_user_who_is_gone_is_entered_by_nobody(gone, sign_in):
    code = code_of(sign_in(PHONE))
    friend = sign_in(FRIEND)
    gone()
    answer = friend.post("/api/referrals/referral_code/", {"referral_code": code})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_referral_code")


def test_the_code_of_a_user_who_is_there_is_entered(settings, sign_in):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.Accounts"
    code = code_of(sign_in(PHONE))
    assert sign_in(FRIEND, referral_code=code).answer["referral"]["redeemed"] is True


@pytest.mark.parametrize("by", ["token", "session"])
def test_the_owner_of_a_left_phone_signs_up_and_redeems_once(sign_in, last_code, by):
    code = code_of(sign_in(FRIEND))
    me = sign_in(PHONE, referral_code=code)
    before = get_accounts().find(PHONE)
    if by == "session":
        me = APIClient()
        me.force_login(before, "phone_referrals.signin.backend.PhoneCodeBackend")
    me.post("/api/users/me/get_verify_code/")
    assert me.post("/api/users/me/delete/", {"code": last_code(PHONE)}).status_code == 204
    before = User.everybody.get(pk=before.pk)
    assert (before.phone_number, bool(before.deleted_at)) == (None, True)
    again = sign_in(PHONE, referral_code=code).answer
    assert again["created"] is True
    assert again["user"]["id"] != before.pk
    assert again["referral"]["code"] == "already_redeemed"
