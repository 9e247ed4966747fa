"""Our views under prefixes that capture, with namespaces, languages and versions of the host."""

import re
from types import ModuleType

import pytest
from django.urls import NoReverseMatch, include, path, resolve

from phone_referrals import urls as urls_of_api
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.pages import urls as urls_of_pages
from phone_referrals.referrals.codes import code_of
from phone_referrals.routing import address_of

pytestmark = pytest.mark.django_db

APIS = ["/api/v1/", "/unnamed/v1/", "/nested/"]
PAGES = ["/acme/account/", "/named/", "/en/i18n/", "/shop/7/"]
# What each call answers without a body, or to somebody who is signed in.
CALLS = [
    ("get", "users/", 200),
    ("get", "users/me/", 200),
    ("get", "users/{pk}/", 200),
    ("get", "users/{pk}/invitees/", 200),
    ("get", "referrals/", 200),
    ("get", "referrals/invitees/", 200),
    ("get", "users/me/sessions/", 404),
    ("post", "users/me/sessions/x/end/", 404),
    ("post", "users/me/sessions/end_others/", 404),
    ("post", "referrals/referral_code/", 400),
    ("post", "users/me/phone/get_verify_code/", 400),
    ("post", "users/me/phone/", 400),
    ("post", "users/me/get_verify_code/", 200),
    ("post", "users/me/delete/", 400),
    ("post", "users/get_verify_code/", 400),
    ("post", "users/auth/", 400),
    ("post", "users/logout_all/", 204),
]
VERSIONING = {
    "/api/v1/": "rest_framework.versioning.URLPathVersioning",
    "/unnamed/v1/": None,
    "/nested/": "rest_framework.versioning.NamespaceVersioning",
}


@pytest.fixture(autouse=True)
def site(settings):
    settings.ROOT_URLCONF = "tests.pages.urls_of_captures"


@pytest.mark.parametrize("prefix", APIS)
def test_every_call_works_under_any_prefix(settings, api, make_user, prefix, monkeypatch):
    from django.utils.module_loading import import_string
    from rest_framework.views import APIView

    versioning = VERSIONING[prefix]
    monkeypatch.setattr(APIView, "versioning_class", import_string(versioning) if versioning else None)
    user = make_user()
    api.force_authenticate(user)
    for method, call, status in CALLS:
        response = getattr(api, method)(prefix + call.format(pk=user.pk))
        assert response.status_code == status, (call, response.content)


@pytest.mark.parametrize("prefix", APIS)
def test_the_next_invitees_are_beside_the_view_that_was_asked(api, make_user, prefix, monkeypatch):
    from phone_referrals.profiles import queries

    monkeypatch.setattr(queries, "SHOWN_INVITEES", 1, raising=False)
    user = make_user()
    from tests.people import add_invitees

    add_invitees(user, 60)
    api.force_authenticate(user)
    following = api.get(f"{prefix}users/me/").json()["invitees"]["next"]
    assert following.startswith(f"http://testserver{prefix}users/{user.pk}/invitees/?cursor=")
    assert api.get(following).status_code == 200


@pytest.mark.parametrize("prefix", PAGES)
def test_a_journey_through_the_pages_stays_under_its_prefix(client, make_user, phone, last_code, prefix):
    inviter = make_user(40)
    answer = client.get(f"{prefix}r/{code_of(inviter).code}/")
    assert answer["Location"].startswith(f"{prefix}sign-in/")
    answer = client.post(f"{prefix}sign-in/", {"phone_number": phone})
    assert answer["Location"] == f"{prefix}sign-in/code/"
    page = client.get(answer["Location"])
    assert f'action="{prefix}sign-in/code/again/"' in page.content.decode()
    answer = client.post(f"{prefix}sign-in/code/again/")
    assert answer["Location"] == f"{prefix}sign-in/code/"
    answer = client.post(answer["Location"], {"code": last_code(phone)})
    assert answer["Location"] == prefix
    text = client.get(prefix).content.decode()
    assert f'action="{prefix}sign-out/"' in text
    mine = ReferralCode.objects.get(user=Referral.objects.get().referred).code
    assert f"http://testserver{prefix}r/{mine}/" in text
    assert set(re.findall(r'(?:action|href)="(/[^"]*)"', text)) - {"/static/"}
    assert client.get(f"{prefix}invitees/").status_code == 200
    assert client.post(f"{prefix}language/", {"language": "en", "next": prefix})["Location"] == prefix
    assert client.post(f"{prefix}sign-out/")["Location"] == f"{prefix}sign-in/"
    assert client.get(prefix)["Location"].startswith(f"{prefix}sign-in/")


def test_a_captured_prefix_of_another_place_is_not_guessed(rf):
    request = rf.get("/acme/account/")
    request.resolver_match = resolve("/acme/account/")
    assert address_of(request, "phone_referrals_pages:sign_in") == "/acme/account/sign-in/"
    request.resolver_match = resolve("/api/v1/users/me/")
    with pytest.raises(NoReverseMatch):
        address_of(request, "phone_referrals_pages:nowhere")


def shop(name):
    """Return a site's namespace with an own view, one further inside, and our pages."""
    inner = path("inner/", include(([path("", print, name="view")], "inner")))
    patterns = [path("own/", print, name="view"), inner, path("account/", include("phone_referrals.pages.urls"))]
    return path(f"{name}/", include((patterns, name)))


def test_the_pages_beside_the_view_that_was_asked_are_found(settings, rf):
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [shop("a"), shop("b")]
    for name in "ab":
        for address in (f"/{name}/own/", f"/{name}/inner/", f"/{name}/account/"):
            request = rf.get(address)
            request.resolver_match = resolve(address)
            assert address_of(request, "phone_referrals_pages:sign_in") == f"/{name}/account/sign-in/", address


def test_every_handler_takes_what_a_prefix_captures():
    from inspect import signature

    views = [pattern.callback for urls in (urls_of_api, urls_of_pages) for pattern in urls.urlpatterns]
    classes = [getattr(view, "cls", None) or getattr(view, "view_class", None) for view in views]
    handlers = [getattr(each, name) for each in classes if each for name in ("get", "post") if hasattr(each, name)]
    assert len(handlers) > 20
    assert [each for each in handlers if "kwargs" not in signature(each).parameters] == []
