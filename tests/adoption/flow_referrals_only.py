"""A site with referrals alone, whose people sign up by allauth with an e-mail. Run by `test_hosts.py`."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from phone_referrals.models import PhoneVerification, Referral, UserSession

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "by the lake 7"


def sign_up(email, client=None):
    client = client or Client()
    answer = client.post("/accounts/signup/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


@pytest.fixture
def referrer():
    client = sign_up("ann@example.com")
    client.own = client.get("/api/referrals/").json()
    return client


def test_the_host_passes_every_check_with_none_silenced(settings):
    assert run_checks() == []
    assert settings.SILENCED_SYSTEM_CHECKS == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    of_phones = [each for each in run_checks(include_deployment_checks=True) if re.search("SMS|phone ", each.msg)]
    assert of_phones == []


def test_an_invite_link_before_the_sign_up_is_redeemed(referrer):
    friend = Client()
    path = referrer.own["referral_link"].removeprefix("http://testserver")
    answer = friend.get(path)
    assert answer.status_code == 303
    assert answer["Location"] == f"/accounts/signup/?invite={referrer.own['referral_code']}"
    sign_up("bob@example.com", friend)
    assert len(mail.outbox) >= 2
    mine = friend.get("/api/referrals/").json()
    assert mine["referred_by"]["name"] == "a***@example.com"
    assert mine["has_redeemed"] is True
    (invitee,) = referrer.get("/api/referrals/invitees/").json()["results"]
    assert invitee["user"]["name"] == "b***@example.com"
    assert referrer.get("/api/referrals/").json()["levels"][0] == {"level": 1, "count": 1}


def test_no_lock_is_held_while_the_mail_is_sent(referrer, monkeypatch, settings):
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = connection.settings_dict["ATOMIC_REQUESTS"] = True
    redeemed = []
    send = mail.EmailMessage.send
    monkeypatch.setattr(
        mail.EmailMessage, "send", lambda *args, **kwargs: (redeemed.append(Referral.objects.count()), send(*args))[1]
    )
    friend = Client()
    friend.get(referrer.own["referral_link"].removeprefix("http://testserver"))
    try:
        sign_up("bob@example.com", friend)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert redeemed[-1] == 0
    assert Referral.objects.count() == 1


def test_a_code_is_entered_by_the_api_and_on_the_page(referrer):
    code = referrer.own["referral_code"]
    by_api, by_page = sign_up("bob@example.com"), sign_up("cat@example.com")
    answer = by_api.post("/api/referrals/referral_code/", {"referral_code": code})
    assert answer.status_code == 201
    assert answer.json()["referred_by"]["name"] == "a***@example.com"
    assert by_api.post("/api/referrals/referral_code/", {"referral_code": code}).status_code == 409
    assert by_page.post("/invitations/", {"referral_code": code}).status_code == 303
    assert "a***@example.com" in by_page.get("/invitations/").content.decode()
    page = referrer.get("/invitations/").content.decode()
    assert {"b***@example.com", "c***@example.com"} == {*re.findall(r"\w\*\*\*@example\.com", page)}
    assert "c***@example.com" in referrer.get("/invitations/invitees/").content.decode()
    assert referrer.post("/invitations/language/", {"language": "ru", "next": "/invitations/"}).status_code == 302


def test_a_visitor_is_led_to_the_sign_in_of_the_site():
    assert Client().get("/invitations/")["Location"] == "/accounts/signup/?next=/invitations/"
    assert Client().get("/api/referrals/").status_code == 403


def test_nothing_is_kept_of_phones_and_no_address_is_of_them(referrer):
    assert not PhoneVerification.objects.exists()
    assert not UserSession.objects.exists()
    for name in ("phone_referrals:auth", "phone_referrals:me", "phone_referrals_pages:sign_in"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_a_deleted_referrer_leaves_the_redeemed_ones(referrer):
    sign_up("bob@example.com").post("/api/referrals/referral_code/", {"referral_code": referrer.own["referral_code"]})
    get_user_model().objects.get(email="ann@example.com").delete()
    assert Referral.objects.get().referrer is None
    assert Referral.objects.get().code == ""


def test_the_admin_shows_referrals_alone(referrer):
    staff = get_user_model().objects.create_superuser("staff", "staff@example.com", PASSWORD)
    client = Client()
    client.force_login(staff)
    index = client.get("/admin/").content.decode()
    assert {*re.findall(r'href="/admin/phone_referrals/(\w+)/"', index)} == {"referral", "referralcode"}
    assert "a***@example.com" in client.get("/admin/phone_referrals/referralcode/").content.decode()
    assert client.get("/admin/phone_referrals/referral/?q=%2B12015550100").status_code == 200
    assert client.get("/admin/phone_referrals/referralcode/?q=%2B12015550100").status_code == 200
