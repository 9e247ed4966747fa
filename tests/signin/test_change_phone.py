"""Another phone for one's account. Numbers: `OLD` is mine, `NEW` is to be mine."""

import re
import time

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import translation
from rest_framework.test import APIClient

from phone_referrals import signals
from phone_referrals.accounts import PhoneAccounts, get_accounts
from phone_referrals.models import PhoneVerification, UserSession
from phone_referrals.signin import policy
from tests.codes import wrong
from tests.signin.conftest import NEW, OLD

# Its times are right on a site without time zones, too.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zone_of_the_site")]

OTHER = "+12015550151"


@pytest.fixture(autouse=True)
def knox(settings):
    """A kind of token that tells when it was signed in for."""
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.knox.KnoxTokenIssuer"


@pytest.fixture
def me(sign_in):
    return sign_in(OLD)


@pytest.fixture
def stale(me):
    """Make the sign-ins of until now ones of an hour ago."""
    UserSession.objects.update(signed_in_at=time.time() - 3600)


@pytest.fixture
def change(post, last_code):
    """Ask for the code and enter it."""

    def change(client, phone=NEW, **data):
        post(client, "phone/get_verify_code/", phone_number=phone)
        return post(client, "phone/", **{"phone_number": phone, "code": last_code(phone), **data})

    return change


def holder(phone):
    return get_accounts().find(phone)


def texts(outbox, phone):
    return [message.text for message in outbox if message.phone_number == phone]


def test_a_recent_sign_in_and_the_new_phones_code_are_enough(me, post, last_code, outbox):
    user, messages = holder(OLD), len(outbox)
    asked = post(me, "phone/get_verify_code/", phone_number="+1 (201) 555-0150")
    assert asked.status == 200
    assert asked.body == {"phone_number": NEW, "expires_in": 600, "resend_in": 30, "current_code_required": False}
    assert [message.phone_number for message in outbox[messages:]] == [NEW]
    assert "Code to make this your number" in outbox[-1].text
    changed = post(me, "phone/", phone_number=NEW, code=last_code(NEW))
    assert changed.status == 200
    assert changed.body["user"] == {"id": user.pk, "phone_number": NEW}
    assert (holder(NEW), holder(OLD)) == (user, None)


def test_the_old_phone_is_told_without_the_whole_new_number(me, change, outbox):
    change(me)
    assert (
        texts(outbox, OLD)[-1]
        == "testserver: your number is now +1 *** *** **50. If that was not you, contact support."
    )
    assert len(texts(outbox, NEW)) == 1


def test_the_old_phone_is_told_in_the_language_of_the_request(me, change, outbox):
    me.credentials(HTTP_AUTHORIZATION=me._credentials["HTTP_AUTHORIZATION"], HTTP_ACCEPT_LANGUAGE="ru")
    change(me)
    assert re.search("[а-я]", texts(outbox, OLD)[-1])


def test_after_an_old_sign_in_the_old_phone_is_proven_too(me, stale, post, last_code, outbox):
    asked = post(me, "phone/get_verify_code/", phone_number=NEW)
    assert asked.body["current_code_required"] is True
    assert "Code to change your number" in texts(outbox, OLD)[-1]
    codes = {"phone_number": NEW, "code": last_code(NEW)}
    for refused in (post(me, "phone/", **codes), post(me, "phone/", **codes, current_code=None)):
        assert (refused.status, refused.code) == (403, "proof_required")
        assert "the code that was sent to your current phone" in refused.body["detail"]
    refused = post(me, "phone/", **codes, current_code=wrong(last_code(OLD)))
    assert (refused.status, refused.code) == (400, "invalid_code")
    assert holder(OLD)


def test_both_codes_change_it(me, stale, post, last_code):
    post(me, "phone/get_verify_code/", phone_number=NEW)
    assert post(me, "phone/", phone_number=NEW, code=last_code(NEW), current_code=last_code(OLD)).status == 200
    assert holder(NEW)


def test_a_mistake_in_the_new_code_costs_neither_proof(me, stale, post, last_code):
    post(me, "phone/get_verify_code/", phone_number=NEW)
    code, current_code = last_code(NEW), last_code(OLD)
    refused = post(me, "phone/", phone_number=NEW, code=wrong(code), current_code=current_code)
    assert (refused.code, refused.body["guesses_left"]) == ("invalid_code", 4)
    assert post(me, "phone/", phone_number=NEW, code=code, current_code=current_code).status == 200


def test_signing_in_again_is_a_proof_of_the_old_phone(me, stale, sign_in, change):
    assert change(sign_in(OLD)).status == 200


def test_asking_again_with_a_code_on_the_old_phone_is_allowed(me, stale, post, last_code, settings):
    post(me, "phone/get_verify_code/", phone_number=NEW)
    current_code = last_code(OLD)
    asked = post(me, "phone/get_verify_code/", phone_number=OTHER)
    assert (asked.status, asked.body["current_code_required"]) == (200, True)
    assert post(me, "phone/", phone_number=OTHER, code=last_code(OTHER), current_code=current_code).status == 200


def test_a_site_may_ask_for_the_old_phone_always(me, settings, change):
    settings.PHONE_REFERRALS_RECENT_SIGN_IN = 0
    assert change(me).code == "proof_required"


def test_codes_are_echoed_where_the_site_echoes_them(me, stale, settings, post, last_code):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    asked = post(me, "phone/get_verify_code/", phone_number=NEW)
    assert (asked.body["code"], asked.body["current_code"]) == (last_code(NEW), last_code(OLD))


@pytest.mark.parametrize("purpose", ["sign_in", "delete_account", "confirm_change"])
def test_a_code_of_another_purpose_is_worth_nothing(me, post, send_code, last_code, purpose):
    from phone_referrals.signin.verification import request_code

    post(me, "phone/get_verify_code/", phone_number=NEW)
    right = last_code(NEW)
    request_code(phone_number=NEW, host="example.com", purpose=purpose)
    assert last_code(NEW) != right
    assert post(me, "phone/", phone_number=NEW, code=last_code(NEW)).code == "invalid_code"


def test_a_code_for_a_change_signs_nobody_in(me, api, post, last_code):
    post(me, "phone/get_verify_code/", phone_number=NEW)
    answer = api.post("/api/users/auth/", {"phone_number": NEW, "code": last_code(NEW)})
    assert answer.json()["code"] == "code_expired"


def test_a_taken_phone_is_refused_only_after_its_proof(me, make_user, post, last_code, outbox):
    make_user(50)
    other = holder(NEW)
    asked = post(me, "phone/get_verify_code/", phone_number=NEW)
    assert asked.body.keys() == post(me, "phone/get_verify_code/", phone_number=OTHER).body.keys()
    assert post(me, "phone/", phone_number=NEW, code=wrong(last_code(NEW))).code == "invalid_code"
    told = len(texts(outbox, OLD))
    refused = post(me, "phone/", phone_number=NEW, code=last_code(NEW))
    assert (refused.status, refused.code) == (409, "phone_taken")
    assert holder(NEW) == other
    assert len(texts(outbox, OLD)) == told
    assert me.get("/api/users/me/").json()["phone_number"] == OLD


def test_ones_own_phone_is_no_other(me, post):
    for path, data in (("phone/get_verify_code/", {}), ("phone/", {"code": "123456"})):
        refused = post(me, path, phone_number=OLD, **data)
        assert (refused.status, refused.code) == (400, "same_phone")


def test_an_unreachable_new_phone_sends_the_old_one_nothing(me, stale, post, settings, outbox):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["CA"]
    messages = len(outbox)
    assert post(me, "phone/get_verify_code/", phone_number=NEW).code == "region_not_served"
    assert len(outbox) == messages


def test_the_old_phone_is_asked_where_a_token_cannot_tell(settings, sign_in, post, last_code):
    """A stolen token is as old as it was, however recently its owner has signed in."""
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.DRFTokenIssuer"
    stolen = sign_in(OLD)
    sign_in(OLD)
    assert post(stolen, "phone/get_verify_code/", phone_number=NEW).body["current_code_required"] is True
    assert post(stolen, "phone/", phone_number=NEW, code=last_code(NEW)).code == "proof_required"
    assert holder(OLD)


@pytest.mark.parametrize("kind", ["DRFTokenIssuer", "jwt.JWTIssuer"])
def test_other_tokens_end_and_the_answer_has_a_new_one(settings, sign_in, post, last_code, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    me, device = sign_in(OLD), sign_in(OLD)
    post(me, "phone/get_verify_code/", phone_number=NEW)
    codes = {"code": last_code(NEW), "current_code": last_code(OLD) if kind == "DRFTokenIssuer" else None}
    changed = post(me, "phone/", phone_number=NEW, **codes).body
    assert [client.get("/api/users/me/").status_code for client in (me, device)] == [401, 401]
    me.credentials(HTTP_AUTHORIZATION=f"{changed['token_type']} {changed['token']}")
    assert me.get("/api/users/me/").json()["phone_number"] == NEW


@pytest.mark.parametrize("kind", ["knox.KnoxTokenIssuer", "session.SessionIssuer"])
def test_where_the_kind_can_this_token_lives_on(settings, sign_in, change, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    me, device = sign_in(OLD), sign_in(OLD)
    assert change(me).body["token"] is None
    assert [client.get("/api/users/me/").status_code for client in (me, device)] == [200, 401]


def test_the_sessions_of_pages_end_too(me, change):
    browser, other = APIClient(), APIClient()
    for client in (browser, other):
        client.force_login(holder(OLD), backend="phone_referrals.signin.backend.PhoneCodeBackend")
    changed = change(browser)
    assert (changed.status, changed.body["token"]) == (200, None)
    assert browser.get("/api/users/me/").status_code == 200
    assert [client.get("/api/users/me/").status_code for client in (other, me)] == [401, 401]


def test_a_signal_says_so_when_it_is_committed(me, change, django_capture_on_commit_callbacks):
    heard = []

    def receive(**keywords):
        heard.append(keywords)

    signals.phone_changed.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            change(me)
            assert heard == []
    finally:
        signals.phone_changed.disconnect(receive)
    (keywords,) = heard
    assert keywords["sender"] is get_user_model()
    assert keywords["user"] == holder(NEW)
    assert (keywords["old_phone_number"], keywords["new_phone_number"]) == (OLD, NEW)


def test_who_has_no_phone_yet_needs_a_recent_sign_in(me, post, change):
    get_user_model().objects.update(phone_number=None)
    UserSession.objects.update(signed_in_at=time.time() - 3600)
    codes = {"phone_number": NEW, "code": "123456", "current_code": "123456"}
    for refused in (post(me, "phone/get_verify_code/", phone_number=NEW), post(me, "phone/", **codes)):
        assert refused.body == {"detail": "Sign in again to add a phone.", "code": "proof_required"}
    UserSession.objects.update(signed_in_at=time.time())
    assert change(me).status == 200
    assert holder(NEW)


def test_what_is_no_phone_is_none(me, stale, post, monkeypatch):
    monkeypatch.setattr(PhoneAccounts, "phone_of", lambda self, user: "201-555-0100")
    assert post(me, "phone/get_verify_code/", phone_number=NEW).code == "proof_required"
    assert post(me, "phone/", phone_number=NEW, code="123456", current_code="123456").code == "proof_required"


def test_the_old_phone_is_used_in_its_canonical_spelling(me, stale, post, last_code, outbox, sign_in, monkeypatch):
    code = sign_in(OTHER).get("/api/users/me/").json()["referral_code"]
    me.post("/api/referrals/referral_code/", {"referral_code": code})
    monkeypatch.setattr(PhoneAccounts, "phone_of", lambda self, user: "+1 (201) 555-0100")
    assert post(me, "phone/get_verify_code/", phone_number=OLD).code == "same_phone"
    post(me, "phone/get_verify_code/", phone_number=NEW)
    assert post(me, "phone/", phone_number=NEW, code=last_code(NEW), current_code=last_code(OLD)).status == 200
    assert "your number is now" in texts(outbox, OLD)[-1]
    monkeypatch.undo()
    assert sign_in(OLD, referral_code=code).answer["referral"]["code"] == "already_redeemed"


@pytest.mark.parametrize("field", ["phone_number", "profile__phone"])
def test_the_phone_may_be_on_a_profile(settings, sign_in, change, field):
    settings.PHONE_REFERRALS_PHONE_FIELD = field
    me = sign_in(OLD)
    user = holder(OLD)
    assert change(me).body["user"]["phone_number"] == NEW
    assert holder(NEW) == user


class OwnAccounts(PhoneAccounts):
    """A host that finds its users in its own way."""

    def find(self, phone_number):
        return super().find(phone_number)


@pytest.mark.parametrize("accounts", [PhoneAccounts, OwnAccounts])
def test_a_phone_that_is_taken_is_no_error_of_the_database(me, settings, make_user, change, accounts, monkeypatch):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{accounts.__module__}.{accounts.__qualname__}"
    make_user(50)
    monkeypatch.setattr(accounts, "set_phone", lambda *args: pytest.fail("Its log would quote the number."))
    assert change(me).code == "phone_taken"


def test_a_phone_that_is_taken_at_the_last_moment_is_refused(me, make_user, change, monkeypatch):
    somebody, find, taken = make_user(50), PhoneAccounts.find, []
    get_user_model().objects.filter(pk=somebody.pk).update(phone_number=None)

    def taken_meanwhile(accounts, user, phone_number):
        taken.append(phone_number)
        raise IntegrityError

    monkeypatch.setattr(PhoneAccounts, "set_phone", taken_meanwhile)
    monkeypatch.setattr(PhoneAccounts, "find", lambda *args: somebody if taken else find(*args))
    assert change(me).code == "phone_taken"
    assert taken == [NEW]


def test_a_phone_whose_holder_is_deleted_meanwhile_is_free(me, change, monkeypatch):
    set_phone, tries = PhoneAccounts.set_phone, []

    def taken_at_first(accounts, user, phone_number):
        tries.append(phone_number)
        if len(tries) == 1:
            raise IntegrityError
        set_phone(accounts, user, phone_number)

    monkeypatch.setattr(PhoneAccounts, "set_phone", taken_at_first)
    assert change(me).status == 200
    assert tries == [NEW, NEW]


def test_nothing_but_the_phone_is_written(me, change, monkeypatch):
    """What the host has changed in the row meanwhile stays as it is."""
    find = PhoneAccounts.set_phone

    def set_phone(accounts, user, phone_number):
        get_user_model().objects.update(is_staff=True)
        find(accounts, user, phone_number)

    monkeypatch.setattr(PhoneAccounts, "set_phone", set_phone)
    change(me)
    assert get_user_model().objects.get().is_staff is True


def test_who_is_deleted_meanwhile_is_refused(me, post, last_code, monkeypatch):
    post(me, "phone/get_verify_code/", phone_number=NEW)
    code = last_code(NEW)
    from phone_referrals.signin import change_phone

    def check_code(**keywords):
        get_user_model().objects.all().delete()

    monkeypatch.setattr(change_phone, "check_code", check_code)
    assert post(me, "phone/", phone_number=NEW, code=code).code == "account_disabled"


def test_another_refusal_of_the_database_is_no_taken_phone(me, change, monkeypatch):
    def set_phone(accounts, user, phone_number):
        raise IntegrityError("a rule of the host")

    monkeypatch.setattr(PhoneAccounts, "set_phone", set_phone)
    with pytest.raises(ImproperlyConfigured, match="set_phone"):
        change(me)


def test_the_calls_are_limited_by_address_as_the_others_are():
    from phone_referrals.signin import views
    from phone_referrals.throttling import AuthThrottle, GetVerifyCodeThrottle

    for view in (views.GetChangeCodeView, views.GetDeleteCodeView):
        assert view.throttle_classes == (GetVerifyCodeThrottle,)
    for view in (views.ChangePhoneView, views.DeleteView):
        assert view.throttle_classes == (AuthThrottle,)


def test_refusals_speak_russian():
    from phone_referrals.exceptions import PhoneTaken, ProofRequired, SamePhone
    from phone_referrals.signin.change_phone import NO_OLD_PHONE

    with translation.override("ru"):
        for error in (PhoneTaken(), ProofRequired(), ProofRequired(NO_OLD_PHONE), SamePhone()):
            assert re.search("[а-я]", str(error.message))


def test_wrong_guesses_lock_the_change_and_not_the_sign_in(me, post, last_code, monkeypatch, sign_in):
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 1)
    post(me, "phone/get_verify_code/", phone_number=NEW)
    post(me, "phone/", phone_number=NEW, code=wrong(last_code(NEW)))
    assert post(me, "phone/", phone_number=NEW, code=last_code(NEW)).code == "phone_locked"
    assert sign_in(NEW).answer["created"] is True
    assert PhoneVerification.objects.filter(phone_number=NEW).count() == 2
