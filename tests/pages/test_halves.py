"""The pages of a site that has one half."""

from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.urls import include, path

from phone_referrals.models import ReferralCode
from phone_referrals.referrals.codes import code_of

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def half(settings):
    """Let the site include one half."""

    def half(name):
        if name == "referrals":
            settings.AUTHENTICATION_BACKENDS = [BACKEND]
        settings.ROOT_URLCONF = ModuleType("urls")
        api, pages = include(f"phone_referrals.{name}.urls"), include(f"phone_referrals.{name}.page_urls")
        settings.ROOT_URLCONF.urlpatterns = [path("api/", api), path("", pages)]

    return half


def test_sign_in_alone_leads_to_the_account(half, client, browser, phone, text_of):
    half("signin")
    assert browser(phone, client).answer["Location"] == "/"
    page = client.get("/")
    assert "+1 201-555-0100" in text_of(page).replace("\u00a0", " ")
    assert 'action="/sign-out/"' in page.content.decode()
    assert "nvit" not in text_of(page)
    assert not ReferralCode.objects.exists()
    assert client.post("/sign-out/", follow=True).redirect_chain == [("/sign-in/", 303)]


def test_sign_in_alone_follows_no_invite_link(half, client):
    half("signin")
    assert client.get("/r/ABCDEF/").status_code == 404
    assert not client.get("/sign-in/?invite=ABCDEF").cookies.keys() - {"csrftoken"}


@pytest.fixture
def member(client):
    """A user without a phone, whom the site's own sign-in has let in."""
    user = get_user_model().objects.create()
    client.force_login(user, BACKEND)
    return user


def test_referrals_alone_show_no_phone_and_no_way_out(half, client, member, make_user, refer, text_of):
    half("referrals")
    refer(make_user(1), member)
    page = client.get("/")
    assert code_of(member).code in text_of(page)
    assert "+1 *** *** **01" in text_of(page)
    assert "sign-out" not in page.content.decode()


def test_referrals_alone_lead_to_the_sign_in_of_the_site(half, client, settings):
    half("referrals")
    settings.LOGIN_URL = "/login/"
    assert client.get("/")["Location"] == "/login/?next=/"
    assert client.get("/r/ABCDEF/")["Location"] == "/login/?invite=ABCDEF"


def test_the_api_of_referrals_alone_reads_the_sites_own_logins(half, client, member):
    half("referrals")
    assert client.get("/api/referrals/").json()["referral_code"] == code_of(member).code
    assert client.get("/api/users/me/").status_code == 404
    client.logout()
    assert client.get("/api/referrals/").status_code == 401


@pytest.mark.parametrize(
    ("login_url", "address"), [("/login/", "/login/?"), ("/login/?theme=dark", "/login/?theme=dark&")]
)
def test_an_invite_link_leads_to_the_sign_in_of_the_site(half, client, settings, login_url, address):
    half("referrals")
    settings.LOGIN_URL = login_url
    assert client.get("/r/ABCDEF/")["Location"] == f"{address}invite=ABCDEF"
