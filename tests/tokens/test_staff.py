"""Users who are made staff after a phone has signed them in: no token and no session of a phone is staff's."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from phone_referrals.exceptions import StaffNotAllowed
from phone_referrals.signin.backend import PhoneCodeBackend, prove
from tests.tokens.conftest import ISSUERS, status
from tests.tokens.test_jwt import refresh

pytestmark = pytest.mark.django_db

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"


def by_the_admin(user):
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("+12015550199"), PASSWORD_BACKEND)
    address = reverse("admin:phone_first_user_change", args=[user.pk])
    form = admin.get(address).context["adminform"].form
    shown = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    filled = {name: value for name, value in shown.items() if value not in {None, False, ""}}
    answer = admin.post(address, {**filled, "phone_number": str(user.phone_number), "is_staff": "on"})
    assert answer.status_code == 302, answer.context["errors"]


def by_update(user):
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True)


def by_host_code(user):
    user.is_superuser = True
    user.save()


WAYS = [by_the_admin, by_update, by_host_code]


@pytest.fixture(params=ISSUERS)
def kind(request, use):
    use(request.param)
    return request.param


@pytest.mark.parametrize("make_staff", WAYS)
def test_no_token_of_a_phone_is_staffs(kind, sign_in, phone, user_of, make_staff):
    client = sign_in(phone)
    make_staff(user_of(client))
    answer = client.get("/api/users/me/")
    # A session is nobody's: Django has asked the back end that began it.
    assert (answer.status_code, answer.json()["code"]) == (
        401,
        "not_authenticated" if kind == "session" else "staff_not_allowed",
    )


def test_tokens_of_a_phone_are_staffs_where_the_site_allows_it(kind, settings, sign_in, phone, user_of):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    client = sign_in(phone)
    by_update(user_of(client))
    assert status(client) == 200


def test_the_fixed_code_of_a_test_number_opens_nothing_of_staff(kind, settings, sign_in, phone, user_of):
    """After its last day, too: what it has opened until then lives on."""
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    client = sign_in(phone)
    for until in ("2999-01-01", "2000-01-01"):
        settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": "123456", "until": until}}
        by_update(user_of(client))
        assert status(client) == 401


def test_no_session_of_the_pages_is_staffs(make_user):
    """Whatever the site's kind of token is."""
    browser, user = Client(), make_user()
    browser.force_login(user, "phone_referrals.signin.backend.PhoneCodeBackend")
    assert browser.get("/api/users/me/").status_code == 200
    by_update(user)
    assert browser.get("/api/users/me/").status_code == 401


@pytest.mark.parametrize("is_staff", [False, True])
def test_an_asynchronous_site_refuses_the_same_sessions(make_user, is_staff):
    user = make_user()
    get_user_model().objects.update(is_staff=is_staff)
    assert async_to_sync(PhoneCodeBackend().aget_user)(user.pk) == (None if is_staff else user)


def test_a_session_by_password_is_staffs(kind, make_user):
    browser, user = APIClient(), make_user()
    by_update(user)
    browser.force_login(user, PASSWORD_BACKEND)
    assert status(browser) == 200


def test_tokens_of_the_hosts_login_are_staffs_if_known(use, make_user):
    user = make_user()
    by_update(user)
    for kind, scheme, token in (
        ("knox", "Token", AuthToken.objects.create(user=user)[1]),
        ("jwt", "Bearer", RefreshToken.for_user(user).access_token),
    ):
        use(kind)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"{scheme} {token}")
        assert status(client) == 200


def test_no_token_of_a_phone_is_refreshed_for_staff(use, sign_in, phone, user_of):
    use("jwt")
    client = sign_in(phone)
    by_update(user_of(client))
    with pytest.raises(Exception, match="Staff cannot sign in by phone"):
        refresh(client.answer["refresh"])


def test_staff_cannot_sign_in_with_a_listed_number(settings, make_user, phone, send_code):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": "123456", "until": "2000-01-01"}}
    by_update(make_user())
    with pytest.raises(StaffNotAllowed):
        prove(phone_number=phone, code=send_code(phone))
