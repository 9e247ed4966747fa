import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.db.models import PROTECT, RESTRICT, ProtectedError
from django.utils import timezone
from rest_framework.test import APIClient

from phone_referrals.accounts import PhoneAccounts, lock
from phone_referrals.models import PhoneVerification, RedeemedPhone, Referral, ReferralCode
from phone_referrals.signin import policy
from phone_referrals.signin.delete_account import delete_account, request_deletion
from tests.codes import wrong
from tests.hosts.phone_first.models import Profile
from tests.signin.conftest import NEW, OLD

pytestmark = pytest.mark.django_db

KINDS = ["DRFTokenIssuer", "knox.KnoxTokenIssuer", "jwt.JWTIssuer", "session.SessionIssuer"]


@pytest.fixture
def me(sign_in):
    return sign_in(OLD)


@pytest.fixture
def delete(post, last_code):
    """Ask for the code and enter it."""

    def delete(client, phone=OLD):
        post(client, "get_verify_code/")
        return post(client, "delete/", code=last_code(phone))

    return delete


def code_of(client):
    return client.get("/api/users/me/").json()["referral_code"]


def redeem(client, code):
    response = client.post("/api/referrals/referral_code/", {"referral_code": code}, format="json")
    return response.status_code, response.json().get("code")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_code_deletes_the_account_and_ends_all_tokens(settings, sign_in, post, last_code, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    me, device = sign_in(OLD), sign_in(OLD)
    asked = post(me, "get_verify_code/")
    assert asked.status == 200
    assert asked.body == {"phone_number": OLD, "expires_in": 600, "resend_in": 30}
    deleted = post(me, "delete/", code=last_code(OLD))
    assert (deleted.status, deleted.response.content) == (204, b"")
    assert not get_user_model().objects.exists()
    assert [client.get("/api/users/me/").status_code for client in (me, device)] == [401, 401]


def test_the_message_says_what_the_code_is_for(me, post, outbox):
    post(me, "get_verify_code/")
    assert outbox[-1].text.startswith("Code to delete your account: ")


def test_a_wrong_code_and_one_of_another_purpose_delete_nothing(me, post, last_code, send_code):
    refused = post(me, "delete/", code="123456")
    assert (refused.status, refused.code) == (400, "code_expired")
    post(me, "get_verify_code/")
    right = last_code(OLD)
    PhoneVerification.objects.update(resend_at=None)
    assert send_code(OLD) != right
    assert post(me, "delete/", code=last_code(OLD)).code == "invalid_code"
    assert get_user_model().objects.exists()


def test_who_has_no_phone_cannot_prove_anything(me, post):
    get_user_model().objects.update(phone_number=None)
    for path in ("get_verify_code/", "delete/"):
        refused = post(me, path, code="123456")
        assert (refused.status, refused.code) == (400, "no_phone")


def test_a_phone_is_proven_by_its_canonical_spelling(me, post, last_code, monkeypatch):
    monkeypatch.setattr(PhoneAccounts, "phone_of", lambda self, user: "+1 (201) 555-0100")
    assert post(me, "get_verify_code/").body["phone_number"] == OLD
    assert post(me, "delete/", code=last_code(OLD)).status == 204


def test_what_is_no_phone_proves_nothing(me, post, monkeypatch):
    monkeypatch.setattr(PhoneAccounts, "phone_of", lambda self, user: "201-555-0100")
    for path in ("get_verify_code/", "delete/"):
        refused = post(me, path, code="123456")
        assert (refused.status, refused.code) == (400, "no_phone")


def test_the_session_of_a_browser_ends(make_user, delete):
    browser = APIClient()
    browser.force_login(make_user(), backend="phone_referrals.signin.backend.PhoneCodeBackend")
    assert delete(browser).status == 204
    assert not Session.objects.exists()
    assert browser.get("/api/users/me/").status_code == 401


def retire(self, user):
    """A specimen: this host keeps the row and what it sold to it."""
    get_user_model().objects.filter(pk=user.pk).update(is_active=False, phone_number=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_does_what_it_does_instead(settings, monkeypatch, sign_in, delete, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    monkeypatch.setattr(PhoneAccounts, "delete", retire)
    me = sign_in(OLD)
    before = get_user_model().objects.get()
    elsewhere = APIClient()
    elsewhere.force_login(before, backend="phone_referrals.signin.backend.PhoneCodeBackend")
    assert delete(me).status == 204
    user = get_user_model().objects.get()
    assert (user.is_active, user.phone_number) == (False, None)
    get_user_model().objects.update(is_active=True)
    assert [client.get("/api/users/me/").status_code for client in (me, elsewhere)] == [401, 401]
    assert sign_in(OLD).answer["created"] is True


def keep(self, user):
    """A specimen: this host hides the row by a manager of its own."""


def test_a_row_that_the_host_keeps_is_left_without_the_phone(monkeypatch, me, delete, sign_in):
    monkeypatch.setattr(PhoneAccounts, "delete", keep)
    kept = get_user_model().objects.get()
    assert delete(me).status == 204
    kept.refresh_from_db()
    assert kept.phone_number is None
    assert sign_in(OLD).answer["created"] is True


def refuse(self, user):
    raise ProtectedError("It has orders.", set())


def test_a_protected_row_refuses_the_deletion_as_a_whole(monkeypatch, me, delete):
    monkeypatch.setattr(PhoneAccounts, "delete", refuse)
    refused = delete(me)
    assert (refused.status, refused.code) == (409, "deletion_refused")
    assert me.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize("rule", [PROTECT, RESTRICT])
def test_a_protected_user_is_refused_before_a_code_is_sent(me, post, delete, outbox, monkeypatch, rule):
    monkeypatch.setattr(Profile._meta.get_field("user").remote_field, "on_delete", rule)
    profile = Profile.objects.create(user=get_user_model().objects.get(), phone=OLD)
    outbox.clear()
    refused = post(me, "get_verify_code/")
    assert (refused.status, refused.code, outbox) == (409, "deletion_refused", [])
    profile.delete()
    assert delete(me).status == 204


@pytest.mark.parametrize("rule", [PROTECT, RESTRICT])
def test_a_user_who_is_protected_meanwhile_is_refused(me, post, last_code, monkeypatch, rule):
    post(me, "get_verify_code/")
    monkeypatch.setattr(Profile._meta.get_field("user").remote_field, "on_delete", rule)
    Profile.objects.create(user=get_user_model().objects.get(), phone=OLD)
    refused = post(me, "delete/", code=last_code(OLD))
    assert (refused.status, refused.code) == (409, "deletion_refused")


class KeepingAccounts(PhoneAccounts):
    keeps_users = True
    delete = retire


@pytest.mark.parametrize("rule", [PROTECT, RESTRICT])
def test_a_host_that_keeps_the_row_is_asked_nothing(settings, me, delete, monkeypatch, rule):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.KeepingAccounts"
    monkeypatch.setattr(Profile._meta.get_field("user").remote_field, "on_delete", rule)
    Profile.objects.create(user=get_user_model().objects.get(), phone=OLD)
    assert delete(me).status == 204


DEFERRED = pytest.param(
    "DEFERRABLE INITIALLY DEFERRED",
    marks=pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB defers no constraint."),
    id="deferred",
)


@pytest.fixture(params=[pytest.param("", id="at_once"), DEFERRED])
def orders(request, transactional_db):
    """A table of the host with a foreign key that Django knows nothing of."""
    user = get_user_model()._meta
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE orders (buyer {user.pk.rel_db_type(connection)}, CONSTRAINT orders_buyer "
            f"FOREIGN KEY (buyer) REFERENCES {user.db_table} ({user.pk.column}) {request.param})"
        )
    yield "orders"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE orders")


@pytest.mark.django_db(transaction=True)
def test_a_key_that_only_the_database_enforces_is_a_refusal(orders, me, delete, caplog):
    code = code_of(me)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders SELECT id FROM phone_first_user")
    refused = delete(me)
    assert (refused.status, refused.code) == (409, "deletion_refused")
    constraint = "orders_buyer" if connection.vendor == "postgresql" else "a foreign key"
    assert [record.getMessage() for record in caplog.records if record.name == "phone_referrals"] == [
        f"Account not deleted: {constraint}"
    ]
    # As if nothing had happened.
    assert code_of(me) == code
    assert ReferralCode.objects.enabled().filter(code=code).exists()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders")
    PhoneVerification.objects.update(resend_at=None)
    assert delete(me).status == 204


def test_invitees_of_a_deleted_referrer_do_not_redeem_again(me, sign_in, delete):
    friend, third = sign_in(NEW), sign_in("+12015550151")
    assert redeem(friend, code_of(me)) == (201, None)
    delete(me)
    left = Referral.objects.get()
    assert (left.referrer, left.code) == (None, "")
    assert friend.get("/api/users/me/").json()["referred_by"] is None
    assert redeem(friend, code_of(third)) == (409, "already_redeemed")


def test_who_was_referred_and_goes_is_nobody_s_invitee(me, sign_in, delete):
    friend = sign_in(NEW)
    redeem(me, code_of(friend))
    delete(me)
    assert not Referral.objects.exists()
    assert not ReferralCode.objects.filter(user__phone_number=OLD).exists()
    assert friend.get("/api/users/me/").json()["invitees"]["count"] == 0


def test_nobody_redeems_a_second_time_by_signing_up_again(me, sign_in, delete):
    friend = sign_in(NEW)
    redeem(me, code_of(friend))
    delete(me)
    again = sign_in(OLD)
    assert again.answer["created"] is True
    assert redeem(again, code_of(friend)) == (409, "already_redeemed")
    # Nor on the way in.
    delete(again)
    assert sign_in(OLD, referral_code=code_of(friend)).answer["referral"]["code"] == "already_redeemed"
    assert not Referral.objects.exists()


def test_who_has_not_redeemed_may_after_signing_up_again(me, sign_in, delete):
    friend = sign_in(NEW)
    delete(me)
    assert redeem(sign_in(OLD), code_of(friend)) == (201, None)
    assert not RedeemedPhone.objects.exists()


def test_a_phone_left_by_a_change_does_not_redeem_again(me, sign_in, post, last_code, delete):
    friend = sign_in(NEW)
    redeem(me, code_of(friend))
    phone = "+12015550152"
    post(me, "phone/get_verify_code/", phone_number=phone)
    codes = {"code": last_code(phone), "current_code": last_code(OLD)}
    token = post(me, "phone/", phone_number=phone, **codes).body["token"]
    assert redeem(sign_in(OLD), code_of(friend)) == (409, "already_redeemed")
    me.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    delete(me, phone)
    assert redeem(sign_in(phone), code_of(friend)) == (409, "already_redeemed")
    assert RedeemedPhone.objects.count() == 2


def test_what_is_kept_gives_no_number_away(me, sign_in, delete):
    redeem(me, code_of(sign_in(NEW)))
    delete(me)
    row = RedeemedPhone.objects.get()
    assert re.fullmatch("[0-9a-f]{64}", row.digest)
    assert row.digest not in str(row)
    assert row.created_at <= timezone.now()


def test_who_is_deleted_meanwhile_is_refused(me, post, last_code, monkeypatch):
    from phone_referrals.signin import delete_account

    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: get_user_model().objects.all().delete())
    assert post(me, "delete/", code="123456").code == "account_disabled"


def test_a_phone_that_is_changed_meanwhile_has_proven_nothing(me, post, last_code, monkeypatch):
    post(me, "get_verify_code/")
    code = last_code(OLD)

    def change_first(user):
        get_user_model().objects.update(phone_number=NEW)
        return lock(user)

    monkeypatch.setattr("phone_referrals.signin.delete_account.lock", change_first)
    assert post(me, "delete/", code=code).code == "code_expired"
    assert get_user_model().objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hook_that_fails_after_the_deletion_refuses_nothing(me, delete, monkeypatch):
    def fail():
        raise IntegrityError("An audit row of the host.")

    monkeypatch.setattr(PhoneAccounts, "delete", lambda accounts, user: (user.delete(), transaction.on_commit(fail)))
    with pytest.raises(IntegrityError):
        delete(me)
    assert not get_user_model().objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_row_of_the_host_that_exists_twice_is_no_refusal(me, delete, monkeypatch):
    def leave_twice(accounts, user):
        for _ in range(2):
            Group.objects.create(name="former customers")

    monkeypatch.setattr(PhoneAccounts, "delete", leave_twice)
    with pytest.raises(IntegrityError):
        delete(me)
    assert me.get("/api/users/me/").status_code == 200


def clear_and_delete(self, user):
    """A specimen: this host takes the phone off first, so that no history has it."""
    self.set_phone(user, None)
    user.delete()


def test_a_host_that_clears_the_phone_first_lets_none_redeem_twice(monkeypatch, me, delete, sign_in):
    code = code_of(sign_in(NEW))
    redeem(me, code)
    monkeypatch.setattr(PhoneAccounts, "delete", clear_and_delete)
    delete(me)
    assert redeem(sign_in(OLD), code) == (409, "already_redeemed")


def test_the_codes_of_a_kept_user_are_disabled_without_a_view(settings, me, send_code, last_code):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.KeepingAccounts"
    code, user = code_of(me), get_user_model().objects.get()
    request_deletion(user, host="example.com")
    delete_account(user, code=last_code(OLD))
    assert ReferralCode.objects.get(code=code).is_disabled


def test_a_wrong_code_leaves_the_referral_codes_as_they_are(me, post, last_code, monkeypatch):
    code_of(me)
    post(me, "get_verify_code/")
    judge, disabled = policy.on_guess, []

    def watch(*args, **kwargs):
        disabled.append(ReferralCode.objects.filter(is_disabled=True).count())
        return judge(*args, **kwargs)

    monkeypatch.setattr(policy, "on_guess", watch)
    post(me, "delete/", code=wrong(last_code(OLD)))
    assert disabled == [0]
