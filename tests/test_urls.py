import pytest
from django.urls import include, path, resolve, reverse

from tests.people import add_invitees

mounted_in_a_host = [
    path("v1/", include(([path("phones/", include("phone_referrals.urls"))], "host"))),
    path("v2/", include("phone_referrals.urls", namespace="second")),
    path("v3/", include("phone_referrals.urls")),
]


class OnlyNested:
    urlpatterns = mounted_in_a_host[:1]


class Twice:
    urlpatterns = mounted_in_a_host[1:]


@pytest.mark.parametrize(
    ("name", "args", "url"),
    [
        ("get_verify_code", [], "users/get_verify_code/"),
        ("auth", [], "users/auth/"),
        ("user_list", [], "users/"),
        ("user_detail", [7], "users/7/"),
        ("user_detail", ["0f8fad5b-d9cb-469f-a165-70867728950e"], "users/0f8fad5b-d9cb-469f-a165-70867728950e/"),
        ("me", [], "users/me/"),
        ("invitees", [7], "users/7/invitees/"),
        ("logout", [], "users/logout/"),
        ("logout_all", [], "users/logout_all/"),
        ("sessions", [], "users/me/sessions/"),
        ("end_session", ["0f8fad5b"], "users/me/sessions/0f8fad5b/end/"),
        ("end_other_sessions", [], "users/me/sessions/end_others/"),
        ("redeem", [], "referrals/referral_code/"),
        ("referrals", [], "referrals/"),
    ],
)
def test_the_paths_are_a_promise(name, args, url):
    assert reverse(f"phone_referrals:{name}", args=args) == f"/api/{url}"
    # No path is swallowed by one that matches any word.
    assert resolve(f"/api/{url}").url_name == name


@pytest.mark.parametrize(("urlconf", "prefix"), [(OnlyNested, "/v1/phones/"), (Twice, "/v2/"), (Twice, "/v3/")])
def test_pages_go_on_where_the_host_has_mounted_the_api(db, api, make_user, settings, urlconf, prefix):
    settings.ROOT_URLCONF = urlconf
    user = make_user()
    add_invitees(user, 21)
    api.force_authenticate(user)
    following = api.get(f"{prefix}users/me/").json()["invitees"]["next"]
    assert following.startswith(f"http://testserver{prefix}users/{user.pk}/invitees/?cursor=")
    assert len(api.get(following).json()["results"]) == 1
