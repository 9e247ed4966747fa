import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import codes, tree
from phone_referrals.referrals.views import RedeemView
from tests.people import add_invitees

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(make_user):
    return make_user()


@pytest.fixture
def api(api, user):
    api.force_authenticate(user)
    return api


def test_one_sees_ones_own_code_and_link(api, user, settings):
    settings.PHONE_REFERRALS_REFERRAL_LINK = "/join/{code}"
    code = codes.code_of(user).code

    answer = api.get("/api/referrals/")

    assert answer.status_code == 200
    assert answer.json() == {
        "referral_code": code,
        "referral_link": f"http://testserver/join/{code}",
        "referred_by": None,
        "has_redeemed": False,
        "levels": [{"level": 1, "count": 0}, {"level": 2, "count": 0}, {"level": 3, "count": 0}],
        "capped": False,
    }


def test_who_has_no_code_yet_is_given_one(api, user):
    shown = api.get("/api/referrals/").json()["referral_code"]

    assert shown == ReferralCode.objects.get(user=user).code


def test_one_sees_how_many_people_ones_code_brought(api, user, make_people, refer):
    a, b, c, d, e = make_people(5)
    refer(user, a, b)
    refer(a, c)
    refer(c, d)
    refer(d, e)

    levels = api.get("/api/referrals/").json()["levels"]

    assert [level["count"] for level in levels] == [2, 1, 1]


def test_a_count_that_stopped_says_so(api, user, make_people, refer, monkeypatch):
    monkeypatch.setattr(tree, "MAX_ROWS", 3)
    refer(user, *make_people(4))

    answer = api.get("/api/referrals/").json()

    assert answer["capped"] is True
    assert answer["levels"][0]["count"] == 3


def test_one_sees_by_whom_one_was_invited(api, user, make_user, refer):
    referrer = make_user(1)
    refer(referrer, user)
    answer = api.get("/api/referrals/").json()
    assert (answer["has_redeemed"], answer["referred_by"]) == (True, {"id": referrer.pk, "name": "+1 *** *** **01"})

    Referral.objects.update(referrer=None)
    answer = api.get("/api/referrals/").json()
    assert (answer["has_redeemed"], answer["referred_by"]) == (True, None)


def test_redeeming_is_answered_with_ones_referrals(api, user, make_user):
    """As a site that has referrals alone answers; with sign-in it is the profile."""
    request = APIRequestFactory().post("/", {"referral_code": codes.code_of(make_user(1)).code})
    force_authenticate(request, user)

    answer = RedeemView.as_view()(request)

    assert answer.status_code == 201
    assert answer.data == api.get("/api/referrals/").json()
    assert answer.data["has_redeemed"] is True


def test_one_lists_ones_invitees_newest_first_page_by_page(api, user):
    expected = add_invitees(user, 25)

    first = api.get("/api/referrals/invitees/").json()
    second = api.get(first["next"]).json()

    assert [each["user"]["id"] for each in [*first["results"], *second["results"]]] == expected
    assert (first["previous"], second["next"]) == (None, None)
    assert api.get(second["previous"]).json() == first
    assert set(first["results"][0]) == {"user", "created_at"}


def test_a_cursor_of_nobody_is_refused(api):
    answer = api.get("/api/referrals/invitees/?cursor=x")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/api/referrals/", "/api/referrals/invitees/"])
def test_nobody_sees_it_unless_signed_in(api, path):
    api.force_authenticate(None)

    answer = api.get(path)

    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


def test_it_is_for_reading_only(api):
    assert api.post("/api/referrals/", {}, format="json").status_code == 405
