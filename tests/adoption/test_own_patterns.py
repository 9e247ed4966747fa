"""Sites whose own patterns are beside those of the package: all calls and pages work in the order that README gives."""

import pytest

from phone_referrals.checks.site import shadowed_urls
from phone_referrals.models import Referral
from phone_referrals.testing import last_code, sign_in

pytestmark = pytest.mark.django_db

PHONE, FRIEND = "+12015550100", "+12015550101"


@pytest.fixture
def site(settings):
    def site(name):
        settings.ROOT_URLCONF = f"tests.hosts.{name}"

    return site


@pytest.mark.parametrize(
    ("name", "prefix"), [("users_router.urls", "/api/phone/"), ("catch_all.urls", "/api/"), ("nested.urls", "/api/")]
)
def test_users_sign_in_and_redeem_beside_patterns_of_the_site(site, api, name, prefix):
    site(name)
    assert [*shadowed_urls()] == []
    sign_in(api, FRIEND)
    code = api.get(f"{prefix}users/me/").json()["referral_code"]
    answer = sign_in(api, PHONE, referral_code=code)
    assert answer["referral"]["redeemed"] is True
    assert api.get(f"{prefix}users/me/").json()["referred_by"]["phone_number"] == "+1 *** *** **01"
    assert len(api.get(f"{prefix}users/").json()["results"]) == 2


def test_an_api_of_the_site_keeps_its_users(site, api):
    site("users_router.urls")
    me = sign_in(api, PHONE)["user"]["id"]
    assert api.get("/api/users/").json() == [{"pk": me}]
    assert api.get(f"/api/users/{me}/").json() == {"pk": me}


@pytest.mark.parametrize(("name", "call"), [("users_router", "users/get_verify_code/"), ("catch_all", "sign-in/")])
def test_what_the_check_names_does_answer_instead(site, client, name, call):
    site(f"{name}.urls_shadowed")
    (message,) = shadowed_urls()
    assert f"tests.hosts.{name}." in message.msg
    prefix = "/api/" if name == "users_router" else "/account/"
    answer = client.post(f"{prefix}{call}", {"phone_number": PHONE})
    assert answer.status_code in {401, 403, 405} or answer.content == b"A page of the site."


@pytest.mark.parametrize(("name", "prefix"), [("catch_all.urls", "/account/"), ("nested.urls", "/shop/account/")])
def test_an_invite_link_of_the_api_is_a_page_that_works(site, api, client, name, prefix):
    site(name)
    sign_in(api, FRIEND)
    link = api.get("/api/users/me/").json()["referral_link"]
    assert link.startswith(f"http://testserver{prefix}r/")
    answer = client.get(link)
    assert answer["Location"].startswith(f"{prefix}sign-in/")
    answer = client.post(answer["Location"], {"phone_number": PHONE})
    answer = client.post(answer["Location"], {"code": last_code(PHONE)})
    assert answer["Location"] == prefix
    assert client.get(prefix).status_code == 200
    assert Referral.objects.count() == 1
