"""No code by SMS stands in for a second factor. `test_hosts.py` runs this with the packages, in its own process."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate, get_user_model
from django.core.checks import run_checks
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from phone_referrals.accounts import PhoneAccounts

pytestmark = pytest.mark.django_db

PHONE = "+12015550100"


class Accounts(PhoneAccounts):
    """A host that trusts its users' phones."""

    def has_second_factor(self, user):
        return False


def with_django_otp(user):
    TOTPDevice.objects.create(user=user, name="a telephone", confirmed=True)


def with_allauth(user):
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})


@pytest.fixture(params=[with_django_otp, with_allauth])
def user(request, make_user):
    user = make_user()
    request.param(user)
    return user


def enter(api, code):
    answer = api.post("/api/users/auth/", {"phone_number": PHONE, "code": code})
    return answer.status_code, answer.json().get("code")


def test_a_user_with_a_second_factor_is_refused(user, api, send_code):
    assert enter(api, send_code(PHONE)) == (403, "second_factor_required")


def test_whether_there_is_one_is_told_after_the_proof_only(user, api, send_code):
    code = send_code(PHONE)
    assert enter(api, f"{(int(code) + 1) % 10**6:06}") == (400, "invalid_code")


def test_a_page_says_so(user, last_code):
    browser = Client()
    browser.post("/sign-in/", {"phone_number": PHONE})
    answer = browser.post("/sign-in/code/", {"code": last_code(PHONE)})
    assert answer.status_code == 403
    assert "second factor" in answer.content.decode()
    assert "_auth_user_id" not in browser.session


def test_django_s_own_function_gives_nobody(user, send_code):
    assert authenticate(None, phone_number=PHONE, secret_code=send_code(PHONE)) is None


def test_a_factor_that_is_not_confirmed_is_none(make_user, api, send_code):
    TOTPDevice.objects.create(user=make_user(), confirmed=False)
    assert enter(api, send_code(PHONE))[0] == 200


def test_a_user_without_one_and_a_new_user_sign_in(sign_in, make_user):
    make_user()
    assert sign_in(PHONE).answer["created"] is False
    assert sign_in("+12015550101").answer["created"] is True


def test_a_host_may_let_them_in(settings, user, api, send_code):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.Accounts"
    assert enter(api, send_code(PHONE))[0] == 200
    assert "phone_referrals.I001" not in [each.id for each in run_checks()]


def test_the_checks_say_so():
    (said,) = [each for each in run_checks() if each.id == "phone_referrals.I001"]
    assert "allauth.mfa or django_otp" in said.msg
    assert not said.is_serious()


def test_a_session_with_the_factor_changes_the_phone(user, last_code):
    """The user has signed in otherwise; the new phone is proven, and the factor stays what lets in."""
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    browser.post("/api/users/me/phone/get_verify_code/", {"phone_number": "+12015550150"})
    answer = browser.post("/api/users/me/phone/", {"phone_number": "+12015550150", "code": last_code("+12015550150")})
    assert answer.status_code == 200
    assert str(get_user_model().objects.get().phone_number) == "+12015550150"
