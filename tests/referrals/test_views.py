import pytest

from phone_referrals.models import ReferralCode
from phone_referrals.referrals import codes, tree

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


def test_nobody_sees_it_unless_signed_in(api):
    api.force_authenticate(None)

    answer = api.get("/api/referrals/")

    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


def test_it_is_for_reading_only(api):
    assert api.post("/api/referrals/", {}, format="json").status_code == 405
