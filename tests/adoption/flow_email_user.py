"""Users known by e-mail, whom allauth logs in, beside users who have only a phone. Run by `test_hosts.py`."""

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.urls import reverse

from phone_referrals.accounts import get_accounts

pytestmark = pytest.mark.django_db

User = get_user_model()
PHONE = "+12015550100"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def by_phone(sign_in):
    sign_in("+12015550101")
    sign_in(PHONE)
    return get_accounts().find(PHONE)


@pytest.fixture
def by_email():
    user = User(email="somebody@example.com", phone_number="+12015550102")
    user.set_password("by the lake 7")
    user.save()
    return user


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create(email="staff@example.com", is_staff=True, is_superuser=True), MODEL_BACKEND)
    return client


def test_the_host_passes_every_check_and_needs_no_migration():
    assert {each.id for each in run_checks()} == {"phone_referrals.I001"}
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_user_without_an_address_is_shown_by_a_masked_phone(by_phone):
    assert by_phone.email is None
    assert str(by_phone) == "+1 *** *** **00"
    assert str(User(email="somebody@example.com", phone_number=PHONE)) == "somebody@example.com"
    get_accounts().set_phone(by_phone, None)
    assert str(by_phone) == str(by_phone.pk)


@pytest.mark.parametrize("page", ["changelist", "change", "delete", "history"])
def test_the_admin_shows_such_a_user(staff, by_phone, page):
    arguments = [] if page == "changelist" else [by_phone.pk]
    answer = staff.get(reverse(f"admin:email_user_user_{page}", args=arguments))
    assert answer.status_code == 200
    assert "+1 *** *** **00" in answer.content.decode()
    assert PHONE not in answer.content.decode()


def test_staff_save_such_users_one_after_the_other(staff, by_phone):
    for user in User.objects.filter(email=None):
        address = reverse("admin:email_user_user_change", args=[user.pk])
        typed = {"email": "", "first_name": "Somebody", "is_active": "on"}
        assert staff.post(address, typed).status_code == 302
    assert User.objects.filter(email=None, first_name="Somebody").count() == 2
    address = reverse("admin:email_user_user_delete", args=[by_phone.pk])
    assert staff.post(address, {"post": "yes"}).status_code == 302
    assert get_accounts().find(PHONE) is None


@pytest.mark.parametrize("name", ["account_email", "mfa_index", "account_set_password"])
def test_pages_of_allauth_show_such_a_user(client, by_phone, name):
    client.force_login(by_phone, "phone_referrals.signin.backend.PhoneCodeBackend")
    assert client.get(reverse(name)).status_code == 200


def log_in(client):
    typed = {"login": "somebody@example.com", "password": "by the lake 7"}
    return client.post(reverse("account_login"), typed)


def test_allauth_logs_in_by_email_and_the_package_by_phone(client, by_email, by_phone, sign_in):
    log_in(client)
    assert client.session["_auth_user_id"] == str(by_email.pk)
    assert client.get("/api/users/me/").json()["id"] == by_email.pk
    assert sign_in("+12015550102").answer["user"]["id"] == by_email.pk


def test_a_second_factor_is_asked_for_by_both(client, by_email, api, send_code):
    secret = generate_totp_secret()
    data = {"secret": get_adapter().encrypt(secret)}
    Authenticator.objects.create(user=by_email, type=Authenticator.Type.TOTP, data=data)
    code = send_code("+12015550102")
    answer = api.post("/api/users/auth/", {"phone_number": "+12015550102", "code": code})
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert log_in(client).url.startswith(reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session
    totp = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client.post(reverse("mfa_authenticate"), {"code": totp})
    assert client.session["_auth_user_id"] == str(by_email.pk)
