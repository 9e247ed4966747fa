"""What clients rely on, row by row: paths, statuses, keys, codes of refusals. Over HTTP alone, as they see it."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone
from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.permissions import BasePermission
from rest_framework.test import APIClient
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from phone_referrals.accounts import PhoneAccounts
from phone_referrals.exceptions import NotEligible, SignInError
from phone_referrals.models import PhoneVerification, Referral, ReferralCode
from phone_referrals.signin import policy
from phone_referrals.sms import BaseSmsBackend
from phone_referrals.tokens import BaseTokenIssuer
from tests.codes import wrong
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
RUSSIAN = re.compile("[а-яё]", re.IGNORECASE)

ANYBODY = [("post", "users/get_verify_code/"), ("post", "users/auth/")]
SIGNED_IN = [
    ("get", "users/"),
    ("get", "users/1/"),
    ("get", "users/nobody/"),
    ("get", "users/me/"),
    ("get", "users/1/invitees/"),
    ("post", "users/logout/"),
    ("post", "users/logout_all/"),
    ("post", "referrals/referral_code/"),
    ("get", "referrals/"),
]


def ask(client, phone, **data):
    return client.post("/api/users/get_verify_code/", {"phone_number": phone, **data}, format="json")


def enter(client, phone, code, **data):
    return client.post("/api/users/auth/", {"phone_number": phone, "code": code, **data}, format="json")


def id_of(client):
    return client.answer["user"]["id"]


def refusal(response):
    """Return the status and the code of a refusal, which is in the shape of all refusals."""
    body = response.json()
    if "errors" in body:  # The shape that the exception handler of a host has made of it.
        (error,) = body["errors"]
        assert set(body) <= {"type", "errors", "guesses_left"}
        assert error["detail"]
        return response.status_code, error["code"]
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert set(body) <= {"detail", "code", "guesses_left"}
    return response.status_code, body["code"]


@pytest.fixture
def me(sign_in, phone):
    return sign_in(phone)


@pytest.fixture
def owner(sign_in, other_phone):
    """Somebody else, whose code `me` may enter."""
    client = sign_in(other_phone)
    client.code = client.get("/api/users/me/").json()["referral_code"]
    return client


@pytest.fixture
def staff(make_user):
    user = make_user(90)
    user.is_staff = True
    user.save()
    client = APIClient()
    client.force_login(user, PASSWORD_BACKEND)
    return client


# users/get_verify_code/


def test_asking_for_a_code_tells_its_end_and_the_wait(api, phone, outbox):
    response = ask(api, phone)
    assert response.status_code == 200
    answer = response.json()
    assert re.fullmatch(r"[0-9a-f]{32}", answer.pop("request_id"))
    assert answer == {"phone_number": phone, "expires_in": 600, "resend_in": 30}
    assert [message.phone_number for message in outbox] == [phone]


def test_the_code_is_in_the_answer_where_the_site_echoes_it(api, phone, settings, last_code):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    answer = ask(api, phone).json()
    assert answer["code"] == last_code(phone)


def test_the_message_names_the_host_that_was_asked(api, phone, outbox, settings):
    settings.ALLOWED_HOSTS = ["app.example.com"]
    api.post("/api/users/get_verify_code/", {"phone_number": phone}, headers={"host": "app.example.com:8443"})
    assert re.search(r"^@app\.example\.com #\d{6}$", outbox[0].text, re.MULTILINE)


def test_a_second_request_waits(api, phone):
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False) as clock:
        ask(api, phone)
        clock.shift(10)
        refused = ask(api, phone)
        assert refusal(refused) == (429, "resend_too_soon")
        assert refused["Retry-After"] == "20"
        clock.shift(20)
        answer = ask(api, phone).json()
    assert (answer["expires_in"], answer["resend_in"]) == (570, 60)


def test_the_messages_of_a_day_are_limited(api, phone, settings):
    settings.PHONE_REFERRALS_MESSAGES_PER_DAY = 1
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False) as clock:
        ask(api, phone)
        clock.shift(3600)
        refused = ask(api, phone)
    assert refusal(refused) == (429, "too_many_messages")
    assert refused["Retry-After"] == str(23 * 3600 + 600)


@pytest.mark.parametrize(("regions", "status"), [(["US"], 200), ("*", 200), (["CA"], 400), ([], 400)])
def test_only_allowed_regions_are_served(api, phone, outbox, settings, regions, status):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    response = ask(api, phone)
    assert response.status_code == status
    assert len(outbox) == (status == 200)
    if status == 400:
        assert refusal(response) == (400, "region_not_served")


def test_a_failed_gateway_is_503_with_a_wait_if_it_refused(api, phone, settings):
    working = settings.PHONE_REFERRALS_SMS_BACKEND
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False) as clock:
        settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.SilentSmsBackend"
        assert refusal(ask(api, phone)) == (503, "delivery_failed")
        settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.RefusingSmsBackend"
        refused = ask(api, phone)
        assert refusal(refused) == (503, "delivery_failed")
        assert refused["Retry-After"] == "30"
        settings.PHONE_REFERRALS_SMS_BACKEND = working
        assert refusal(ask(api, phone)) == (429, "resend_too_soon")
        clock.shift(30)
        assert ask(api, phone).status_code == 200


@pytest.mark.parametrize("junk", [None, "", "junk", "0" * 65, "\0", 7, 1.5, True, [], ["x"], {}, {"x": "y"}], ids=repr)
def test_junk_in_the_place_of_a_handle_is_no_handle(api, phone, last_code, junk):
    ask(api, phone)
    response = enter(api, phone, wrong(last_code(phone)), request_id=junk)
    assert (refusal(response), response.json()["guesses_left"]) == ((400, "invalid_code"), 9)
    assert enter(api, phone, last_code(phone), request_id=junk).status_code == 201


# users/auth/


def test_the_first_sign_in_of_a_phone_is_201_and_the_next_200(api, phone, last_code):
    ask(api, phone)
    first = enter(api, phone, last_code(phone))
    assert first.status_code == 201
    user = {"id": Token.objects.get().user_id, "phone_number": phone}
    expected = {"token_type": "Token", "created": True, "user": user, "referral": None}
    assert first.json() == {"token": Token.objects.get().key, **expected}

    ask(api, phone)
    second = enter(api, phone, last_code(phone))
    assert second.status_code == 200
    assert second.json() == {**first.json(), "created": False}


def test_the_token_opens_the_api(api, phone, last_code):
    ask(api, phone)
    answer = enter(api, phone, last_code(phone)).json()
    mine = api.get("/api/users/me/", headers={"authorization": f"{answer['token_type']} {answer['token']}"})
    assert mine.json()["id"] == answer["user"]["id"]


def test_a_code_works_once(api, phone, last_code):
    ask(api, phone)
    assert enter(api, phone, last_code(phone)).status_code == 201
    assert refusal(enter(api, phone, last_code(phone))) == (400, "code_expired")


@pytest.mark.parametrize(("with_handle", "guesses"), [(True, 5), (False, 10)])
def test_a_wrong_code_tells_how_many_guesses_are_left(api, phone, last_code, with_handle, guesses):
    asked = ask(api, phone).json()
    handle = {"request_id": asked["request_id"]} if with_handle else {}
    for left in range(guesses - 1, -1, -1):
        response = enter(api, phone, wrong(last_code(phone)), **handle)
        assert refusal(response) == (400, "invalid_code")
        assert response.json()["guesses_left"] == left
    refused = enter(api, phone, last_code(phone), **handle)
    assert refusal(refused) == (429, "too_many_guesses")
    assert 0 < int(refused["Retry-After"]) <= 30


def test_a_429_says_how_long_to_wait_also_when_one_need_not(api, phone, last_code):
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False) as clock:
        ask(api, phone)
        for _ in range(10):
            enter(api, phone, wrong(last_code(phone)))
        clock.shift(60)
        refused = enter(api, phone, last_code(phone))
    assert refusal(refused) == (429, "too_many_guesses")
    assert refused["Retry-After"] == "1"


def test_a_code_nobody_asked_for_is_refused(api, phone):
    assert refusal(enter(api, phone, "123456")) == (400, "code_expired")


def test_a_phone_of_too_many_wrong_guesses_is_locked(api, phone, last_code, monkeypatch):
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 1)
    ask(api, phone)
    enter(api, phone, wrong(last_code(phone)))
    assert refusal(enter(api, phone, last_code(phone))) == (403, "phone_locked")
    assert refusal(ask(api, phone)) == (403, "phone_locked")


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"is_active": False}, "account_disabled"),
        ({"is_staff": True}, "staff_not_allowed"),
        ({"is_superuser": True}, "staff_not_allowed"),
        ({"is_active": False, "is_staff": True}, "account_disabled"),
    ],
)
def test_who_may_not_sign_in_learns_it_only_after_the_proof(api, phone, make_user, last_code, attributes, code):
    user = make_user()
    vars(user).update(attributes)
    user.save()
    assert ask(api, phone).status_code == 200
    assert refusal(enter(api, phone, wrong(last_code(phone)))) == (400, "invalid_code")
    assert refusal(enter(api, phone, last_code(phone))) == (403, code)
    assert not Token.objects.exists()


def test_staff_may_sign_in_where_the_site_allows_it(api, phone, make_user, last_code, settings):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    user = make_user()
    user.is_staff = True
    user.save()
    ask(api, phone)
    assert enter(api, phone, last_code(phone)).status_code == 200


def test_another_backend_of_the_site_may_refuse(api, phone, last_code, settings):
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Bouncer", *settings.AUTHENTICATION_BACKENDS]
    ask(api, phone)
    assert refusal(enter(api, phone, last_code(phone))) == (403, "sign_in_refused")


class Bouncer:
    def authenticate(self, request, **credentials):
        raise PermissionDenied


@pytest.mark.parametrize("stale", ["Token 0", "Token", "Bearer x", "Basic !"])
def test_a_stale_token_does_not_keep_anybody_from_signing_in(api, phone, last_code, stale):
    api.credentials(HTTP_AUTHORIZATION=stale)
    ask(api, phone)
    assert enter(api, phone, last_code(phone)).status_code == 201


def test_signing_in_needs_no_csrf_token_even_beside_a_session(make_user, other_phone, last_code):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user(), backend=PASSWORD_BACKEND)
    ask(client, other_phone)
    assert enter(client, other_phone, last_code(other_phone)).status_code == 201


def test_multipart_forms_are_as_good_as_json(api, phone, last_code):
    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}, format="multipart").status_code == 200
    data = {"phone_number": phone, "code": last_code(phone)}
    assert api.post("/api/users/auth/", data, format="multipart").status_code == 201


def test_url_encoded_forms_are_as_good_as_json(api, phone, last_code):
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert api.post("/api/users/get_verify_code/", urlencode({"phone_number": phone}), **form).status_code == 200
    data = urlencode({"phone_number": phone, "code": last_code(phone)})
    assert api.post("/api/users/auth/", data, **form).status_code == 201


@pytest.mark.parametrize(
    "spelling",
    [
        "+7 912 345-67-89",
        "+79123456789",
        "8 (912) 345-67-89",
        "89123456789",
        "912 345 67 89",
        "＋７ ９１２ ３４５ ６７ ８９",
        "+7 (912) 345-67-89 доб. 5",
        "tel:+7-912-345-67-89",
        " +7\u00a0912\u00a0345\u201167\u201189\u200f ",
        "+٧٩١٢٣٤٥٦٧٨٩",
    ],
)
def test_one_phone_in_any_spelling_is_one_user(api, last_code, settings, spelling):
    settings.PHONENUMBER_DEFAULT_REGION = "RU"
    known = PhoneAccounts().create("+79123456789")
    assert ask(api, spelling).json()["phone_number"] == "+79123456789"
    signed_in = enter(api, spelling, last_code("+79123456789"))
    assert signed_in.status_code == 200
    assert signed_in.json()["user"]["id"] == known.pk


def test_a_code_for_one_spelling_is_entered_with_another(api, last_code, settings):
    settings.PHONENUMBER_DEFAULT_REGION = "RU"
    ask(api, "8 (912) 345-67-89")
    assert enter(api, "+7 912 345 67 89", last_code("+79123456789")).status_code == 201


@pytest.mark.parametrize("spell", ["{0} {1}", "{0}-{1}", " {0}{1} ", "{0}\u2013{1}", "{0}\u00a0{1}"])
def test_a_code_may_be_typed_with_spaces_and_dashes(api, phone, last_code, spell):
    ask(api, phone)
    code = last_code(phone)
    assert enter(api, phone, spell.format(code[:3], code[3:])).status_code == 201


@pytest.mark.parametrize("zero", ["٠", "۰", "०", "０"], ids=["Arabic", "Persian", "Devanagari", "full-width"])
def test_a_code_may_be_typed_in_the_digits_of_any_script(api, phone, last_code, zero):
    ask(api, phone)
    code = "".join(chr(ord(zero) + int(digit)) for digit in last_code(phone))
    assert enter(api, phone, code).status_code == 201


# A referral code on the way in, and afterwards


def good(me, owner):
    return owner.code


def typed_carelessly(me, owner):
    return f" {owner.code[:3].lower()}-{owner.code[3:].lower().replace('0', 'o').replace('1', 'l')} "


def unknown(me, owner):
    return "UUUUUU"


def disabled(me, owner):
    ReferralCode.objects.filter(code=owner.code).update(is_disabled=True)
    return owner.code


def expired(me, owner):
    ReferralCode.objects.filter(code=owner.code).update(expires_at=timezone.now() - timedelta(seconds=1))
    return owner.code


def exhausted(me, owner):
    ReferralCode.objects.filter(code=owner.code).update(max_uses=3, uses=3)
    return owner.code


def own(me, owner):
    return me.get("/api/users/me/").json()["referral_code"]


def again(me, owner):
    assert me.post("/api/referrals/referral_code/", {"referral_code": owner.code}).status_code == 201
    return owner.code


def circular(me, owner):
    code = own(me, owner)
    assert owner.post("/api/referrals/referral_code/", {"referral_code": code}).status_code == 201
    return owner.code


REFUSED_CODES = [
    (unknown, 400, "invalid_referral_code"),
    (disabled, 400, "invalid_referral_code"),
    (expired, 400, "referral_code_expired"),
    (exhausted, 400, "code_exhausted"),
    (own, 400, "own_code"),
    (again, 409, "already_redeemed"),
    (circular, 409, "circular_referral"),
]


@pytest.mark.parametrize("code", [good, typed_carelessly])
def test_redeeming_answers_201_with_the_own_profile(me, owner, code):
    response = me.post("/api/referrals/referral_code/", {"referral_code": code(me, owner)}, format="json")
    assert response.status_code == 201
    assert response.json() == me.get("/api/users/me/").json()
    assert response.json()["referred_by"]["id"] == id_of(owner)


@pytest.mark.parametrize(("make", "status", "code"), REFUSED_CODES)
def test_each_refused_referral_code_has_its_status_and_code(me, owner, make, status, code):
    data = {"referral_code": make(me, owner)}
    before = list(Referral.objects.values())
    assert refusal(me.post("/api/referrals/referral_code/", data, format="json")) == (status, code)
    assert list(Referral.objects.values()) == before


@pytest.mark.parametrize("code", [good, typed_carelessly])
def test_a_good_referral_code_is_redeemed_on_the_way_in(api, other_phone, last_code, owner, code):
    newcomer = "+12015550155"
    ask(api, newcomer)
    response = enter(api, newcomer, last_code(newcomer), referral_code=code(None, owner))
    assert response.status_code == 201
    assert response.json()["referral"] == {"redeemed": True, "code": None, "detail": None}
    assert Referral.objects.get().referrer_id == id_of(owner)


@pytest.mark.parametrize(("make", "status", "code"), REFUSED_CODES)
def test_a_bad_referral_code_never_costs_a_sign_in(api, me, owner, phone, last_code, make, status, code):
    bad = make(me, owner)
    ask(api, phone)
    response = enter(api, phone, last_code(phone), referral_code=bad)
    assert response.status_code == 200
    referral = response.json()["referral"]
    assert referral.pop("detail")
    assert referral == {"redeemed": False, "code": code}
    api.credentials(HTTP_AUTHORIZATION=f"Token {response.json()['token']}")
    assert api.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize("code", ["", "   "])
def test_an_empty_referral_code_is_none(api, phone, last_code, code):
    ask(api, phone)
    response = enter(api, phone, last_code(phone), referral_code=code)
    assert response.status_code == 201
    assert response.json()["referral"] is None


@pytest.mark.parametrize("code", [None, "", "  "])
def test_a_referral_code_may_be_left_empty(api, phone, last_code, code):
    ask(api, phone)
    accepted = enter(api, phone, last_code(phone), referral_code=code)
    assert (accepted.status_code, accepted.json()["referral"]) == (201, None)


@pytest.mark.parametrize("code", [["A"], {}, True, "A" * 501, "A\0B"])
def test_a_referral_code_that_is_no_text_is_400_and_no_guess(api, phone, last_code, code):
    ask(api, phone)
    refused = enter(api, phone, last_code(phone), referral_code=code)
    assert refused.status_code == 400
    assert list(refused.json()) == ["referral_code"]
    assert enter(api, phone, last_code(phone)).status_code == 201


def newcomers_only(*, user, referral_code):
    raise NotEligible("Only for newcomers.")


def host_rule(*, user, referral_code):
    class OutOfSeason(SignInError):  # Any refusal in our tree will do.
        code = "out_of_season"
        status_code = 403

    raise OutOfSeason


@pytest.mark.parametrize(("rule", "code"), [("newcomers_only", "not_eligible"), ("host_rule", "out_of_season")])
def test_a_hosts_rule_may_refuse_a_code_and_costs_no_sign_in(api, me, owner, phone, last_code, settings, rule, code):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.{rule}"]
    redeemed = me.post("/api/referrals/referral_code/", {"referral_code": owner.code}, format="json")
    assert refusal(redeemed) == (403, code)
    ask(api, phone)
    response = enter(api, phone, last_code(phone), referral_code=owner.code)
    assert response.status_code == 200
    assert response.json()["referral"]["code"] == code


# Profiles and lists


def test_a_profile_of_ones_own_shows_everything(me, phone):
    profile = me.get("/api/users/me/").json()
    code = ReferralCode.objects.get(user=id_of(me)).code
    assert profile == {
        "id": id_of(me),
        "phone_number": phone,
        "referral_code": code,
        "referral_link": f"http://testserver/?ref={code}",
        "referred_by": None,
        "invitees": {"count": 0, "capped": False, "results": [], "next": None},
    }
    assert me.get(f"/api/users/{id_of(me)}/").json() == profile


@pytest.mark.usefixtures("open_list")
def test_anothers_profile_has_the_same_keys_without_secrets(me, owner):
    theirs = me.get(f"/api/users/{id_of(owner)}/").json()
    assert theirs == {
        "id": id_of(owner),
        "phone_number": "+1 *** *** **01",
        "referral_code": None,
        "referral_link": None,
        "referred_by": None,
        "invitees": {"count": 0, "capped": False, "results": [], "next": None},
    }


def test_staff_reads_numbers_and_codes(staff, owner, other_phone):
    profile = staff.get(f"/api/users/{id_of(owner)}/").json()
    assert profile["phone_number"] == other_phone
    assert profile["referral_code"] == owner.code
    assert profile["referral_link"] == f"http://testserver/?ref={owner.code}"
    assert other_phone in [user["phone_number"] for user in staff.get("/api/users/").json()["results"]]


def test_referrer_and_invitee_see_each_other_masked(me, owner, phone, other_phone):
    me.post("/api/referrals/referral_code/", {"referral_code": owner.code})
    mine = me.get("/api/users/me/")
    assert mine.json()["referred_by"] == {"id": id_of(owner), "phone_number": "+1 *** *** **01"}
    theirs = owner.get("/api/users/me/")
    (invitee,) = theirs.json()["invitees"]["results"]
    assert set(invitee) == {"id", "phone_number", "created_at"}
    assert (invitee["id"], invitee["phone_number"]) == (id_of(me), "+1 *** *** **00")
    assert datetime.fromisoformat(invitee["created_at"]) == Referral.objects.get().created_at
    assert other_phone not in mine.content.decode()
    assert phone not in theirs.content.decode()


def test_staff_reads_the_numbers_of_referrer_and_invitees_too(me, owner, staff, phone, other_phone):
    me.post("/api/referrals/referral_code/", {"referral_code": owner.code})
    assert staff.get(f"/api/users/{id_of(me)}/").json()["referred_by"]["phone_number"] == other_phone
    for path in (f"/api/users/{id_of(owner)}/", f"/api/users/{id_of(owner)}/invitees/"):
        answer = staff.get(path).json()
        assert answer.get("invitees", answer)["results"][0]["phone_number"] == phone


def test_a_deleted_referrer_is_no_referrer(me, owner):
    me.post("/api/referrals/referral_code/", {"referral_code": owner.code})
    Token.objects.get(user=id_of(owner)).user.delete()
    assert me.get("/api/users/me/").json()["referred_by"] is None


def test_a_user_gets_a_code_when_it_is_first_looked_at(api, make_user):
    api.force_authenticate(make_user())
    assert not ReferralCode.objects.exists()
    profile = api.get("/api/users/me/").json()
    assert profile["referral_code"] == ReferralCode.objects.get().code
    assert api.get("/api/users/me/").json() == profile


@pytest.mark.usefixtures("open_list")
def test_looking_at_somebody_else_makes_no_code(me, make_user):
    assert me.get(f"/api/users/{make_user(5).pk}/").status_code == 200
    assert not ReferralCode.objects.exists()


def test_signing_up_makes_no_code(me, owner):
    assert not ReferralCode.objects.filter(user=id_of(me)).exists()


def follow(client, path):
    """Return the rows of a list, page by page; the way back shows the same ones."""
    pages, way_back = [], []
    while path:
        response = client.get(path)
        assert response.status_code == 200
        assert set(response.json()) == {"next", "previous", "results"}
        pages.append(response.json()["results"])
        way_back.append(response.json()["previous"])
        path = response.json()["next"]
    for page, link in zip(pages, way_back[1:], strict=False):
        assert client.get(link).json()["results"] == page
    return pages


@pytest.mark.usefixtures("open_list")
def test_the_list_of_users_has_everybody_once_by_twenty(me):
    crowd = add_users(44)
    pages = follow(me, "/api/users/")
    assert [len(page) for page in pages] == [20, 20, 5]
    rows = [row for page in pages for row in page]
    assert [row["id"] for row in rows] == [user.pk for user in reversed(crowd)] + [id_of(me)]
    assert all(set(row) == {"id", "phone_number"} for row in rows)


@pytest.mark.usefixtures("open_list")
@pytest.mark.parametrize("minutes_between", [1, 0], ids=["one by one", "all in one moment"])
def test_the_list_of_invitees_gives_everybody_once_newest_first(me, owner, minutes_between):
    expected = add_invitees(Token.objects.get(user=id_of(owner)).user, 45, minutes_between=minutes_between)
    pages = follow(me, f"/api/users/{id_of(owner)}/invitees/")
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [row["id"] for page in pages for row in page] == expected


@pytest.mark.usefixtures("open_list")
def test_a_profile_shows_twenty_invitees_and_a_link_to_more(me, owner):
    expected = add_invitees(Token.objects.get(user=id_of(owner)).user, 25)
    for client in (me, owner):
        invitees = client.get(f"/api/users/{id_of(owner)}/").json()["invitees"]
        assert (invitees["count"], invitees["capped"]) == (25, False)
        assert [row["id"] for row in invitees["results"]] == expected[:20]
        (rest,) = follow(client, invitees["next"])
        assert [row["id"] for row in rest] == expected[20:]


def test_counts_end_at_a_thousand(me):
    for more, count, capped in ((999, 999, False), (1, 1000, False), (1, 1000, True)):
        add_invitees(Token.objects.get().user, more)
        invitees = me.get("/api/users/me/").json()["invitees"]
        assert (invitees["count"], invitees["capped"]) == (count, capped)
        levels = me.get("/api/referrals/").json()["levels"]
        assert levels[0] == {"level": 1, "count": count}


@pytest.mark.parametrize("path", ["/api/users/", "/api/users/me/invitees/", "/api/referrals/invitees/"])
@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "%F0%9F%98%80", "W10:x:y", "%ED%A0%80", "é" * 300])
def test_a_cursor_that_is_not_ours_is_400(me, path, cursor):
    path = path.replace("me", str(id_of(me)))
    assert refusal(me.get(f"{path}?cursor={cursor}")) == (400, "invalid_cursor")


@pytest.mark.usefixtures("open_list")
def test_a_forged_cursor_or_one_of_another_list_is_400(me):
    add_users(25)
    add_invitees(Token.objects.get().user, 25)
    invitees = f"/api/users/{id_of(me)}/invitees/"
    following = me.get("/api/users/").json()["next"]
    foreign = me.get(invitees).json()["next"].partition("?")[2]
    for path in (
        following[:-1],
        following + "x",
        f"/api/users/?{foreign}",
        f"{invitees}?{following.partition('?')[2]}",
    ):
        assert refusal(me.get(path)) == (400, "invalid_cursor")


def test_an_empty_cursor_is_the_first_page(me):
    assert me.get("/api/users/?cursor=").json() == me.get("/api/users/").json()


def test_nobody_has_no_profile(me):
    for path in ("999999/", "999999/invitees/", "somebody/", "me/invitees/"):
        assert refusal(me.get(f"/api/users/{path}")) == (404, "not_found")


def test_the_own_referrals_are_counted_by_level(me, owner, sign_in):
    third = sign_in("+12015550102", referral_code=owner.code)
    fourth_code = third.get("/api/users/me/").json()["referral_code"]
    sign_in("+12015550103", referral_code=fourth_code)
    sign_in("+12015550104", referral_code=fourth_code)
    assert owner.get("/api/referrals/").json() == {
        "referral_code": owner.code,
        "referral_link": f"http://testserver/?ref={owner.code}",
        "referred_by": None,
        "has_redeemed": False,
        "levels": [{"level": 1, "count": 1}, {"level": 2, "count": 2}, {"level": 3, "count": 0}],
        "capped": False,
    }


def test_the_own_referrals_say_who_invited_the_user(me, owner):
    me.post("/api/referrals/referral_code/", {"referral_code": owner.code})
    mine = me.get("/api/referrals/").json()
    assert mine["referred_by"] == {"id": id_of(owner), "name": "+1 *** *** **01"}
    assert mine["has_redeemed"] is True
    Token.objects.get(user=id_of(owner)).user.delete()
    mine = me.get("/api/referrals/").json()
    assert (mine["referred_by"], mine["has_redeemed"]) == (None, True)


def test_the_own_invitees_are_listed_newest_first(me, owner):
    expected = add_invitees(Token.objects.get(user=id_of(owner)).user, 45)
    pages = follow(owner, "/api/referrals/invitees/")
    assert [len(page) for page in pages] == [20, 20, 5]
    rows = [row for page in pages for row in page]
    assert [row["user"] for row in rows] == [{"id": pk, "name": f"#{pk}"} for pk in expected]
    assert all(set(row) == {"user", "created_at"} for row in rows)
    assert follow(me, "/api/referrals/invitees/") == [[]]


# Logging out


@pytest.mark.parametrize("path", ["users/logout/", "users/logout_all/"])
def test_a_token_is_dead_after_logging_out(me, path):
    response = me.post(f"/api/{path}")
    assert response.status_code == 204
    assert response.content == b""
    assert refusal(me.get("/api/users/me/")) == (401, "authentication_failed")
    assert not Token.objects.exists()


@pytest.mark.parametrize("path", ["users/logout/", "users/logout_all/"])
def test_who_logs_out_does_not_log_others_out(me, owner, path):
    me.post(f"/api/{path}")
    assert owner.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize("path", ["users/logout/", "users/logout_all/"])
def test_after_logging_out_a_sign_in_gives_another_token(me, sign_in, phone, path):
    me.post(f"/api/{path}")
    anew = sign_in(phone)
    assert anew.answer["token"] != me.answer["token"]
    assert anew.get("/api/users/me/").status_code == 200
    assert me.get("/api/users/me/").status_code == 401


def test_logging_out_of_a_session_leaves_the_token(me, phone):
    browser = APIClient()
    browser.force_login(Token.objects.get().user, backend=PASSWORD_BACKEND)
    assert browser.get("/api/users/me/").status_code == 200
    assert browser.post("/api/users/logout/").status_code == 204
    assert browser.get("/api/users/me/").status_code == 401
    assert me.get("/api/users/me/").status_code == 200


def test_logging_out_everywhere_ends_the_session_and_the_token(me):
    browser = APIClient()
    browser.force_login(Token.objects.get().user, backend=PASSWORD_BACKEND)
    assert browser.post("/api/users/logout_all/").status_code == 204
    assert browser.get("/api/users/me/").status_code == 401
    assert me.get("/api/users/me/").status_code == 401


@pytest.mark.parametrize(("path", "status"), [("users/logout/", 200), ("users/logout_all/", 401)])
def test_logging_out_of_a_token_everywhere_alone_ends_sessions(me, path, status):
    me.force_login(Token.objects.get().user, backend=PASSWORD_BACKEND)
    me.post(f"/api/{path}")
    me.credentials()
    assert me.get("/api/users/me/").status_code == status


@pytest.mark.parametrize("path", ["users/logout/", "users/logout_all/", "referrals/referral_code/"])
def test_a_session_needs_a_csrf_token_to_write(make_user, path):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(make_user(), backend=PASSWORD_BACKEND)
    assert refusal(browser.post(f"/api/{path}")) == (403, "permission_denied")


# Who may


HOST_AUTHENTICATION = [
    [TokenAuthentication],
    [SessionAuthentication],
    [SessionAuthentication, TokenAuthentication],
    [SessionAuthentication, BasicAuthentication],
    [],
]


@pytest.mark.parametrize("classes", HOST_AUTHENTICATION)
@pytest.mark.parametrize(("method", "path"), SIGNED_IN)
def test_anonymous_requests_are_401_except_to_sign_in(api, monkeypatch, classes, method, path):
    # What a host names in DEFAULT_AUTHENTICATION_CLASSES is kept here when DRF is loaded.
    monkeypatch.setattr(APIView, "authentication_classes", classes)
    response = getattr(api, method)(f"/api/{path}")
    assert refusal(response) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(("method", "path"), ANYBODY)
def test_anonymous_requests_may_sign_in(api, method, path):
    assert getattr(api, method)(f"/api/{path}").status_code == 400


@pytest.mark.parametrize("header", ["Token 0", "Token", "Token a b", "Token é"])
def test_a_token_that_is_not_ours_is_401(api, header):
    response = api.get("/api/users/", headers={"authorization": header})
    assert refusal(response) == (401, "authentication_failed")
    assert response["WWW-Authenticate"] == "Token"


def test_the_token_of_a_user_who_was_disabled_is_dead(me):
    user = Token.objects.get().user
    user.is_active = False
    user.save()
    assert refusal(me.get("/api/users/me/")) == (401, "authentication_failed")
    browser = APIClient()
    browser.force_login(user, backend=PASSWORD_BACKEND)
    assert refusal(browser.get("/api/users/me/")) == (401, "not_authenticated")


OF_OTHERS = ["users/", "users/{id}/", "users/{id}/invitees/"]


@pytest.mark.parametrize("path", OF_OTHERS)
def test_who_may_read_other_people_is_a_setting(me, staff, settings, path):
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAdminUser"
    path = "/api/" + path.format(id=id_of(me))
    assert refusal(me.get(path)) == (403, "permission_denied")
    assert staff.get(path).status_code == 200
    assert me.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize("path", OF_OTHERS)
def test_no_setting_lets_anonymous_requests_in(api, make_user, settings, path):
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.AllowAny"
    assert api.get("/api/" + path.format(id=make_user().pk)).status_code == 401


class OnlyOneself(BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj == request.user


@pytest.mark.parametrize("path", ["users/{id}/", "users/{id}/invitees/"])
def test_the_permission_may_look_at_the_user_who_is_read(me, owner, settings, path):
    settings.PHONE_REFERRALS_USERS_PERMISSION = f"{__name__}.OnlyOneself"
    assert me.get("/api/" + path.format(id=id_of(me))).status_code == 200
    assert refusal(me.get("/api/" + path.format(id=id_of(owner)))) == (403, "permission_denied")


@pytest.mark.parametrize(("method", "path"), ANYBODY + SIGNED_IN)
def test_any_other_method_is_405(api, make_user, method, path):
    api.force_authenticate(make_user())
    for wrong_method in {"get", "post", "put", "patch", "delete"} - {method}:
        assert refusal(getattr(api, wrong_method)(f"/api/{path}")) == (405, "method_not_allowed")


class OnceAnHour(AnonRateThrottle):
    rate = "1/hour"


def test_a_throttle_of_the_host_answers_in_the_same_shape(api, phone, other_phone, monkeypatch):
    monkeypatch.setattr(APIView, "throttle_classes", [OnceAnHour])
    assert ask(api, phone).status_code == 200
    refused = ask(api, other_phone)
    assert refusal(refused) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 3600


# Languages


def test_refusals_speak_russian(api, me, owner, phone, other_phone):
    api.credentials(HTTP_ACCEPT_LANGUAGE="ru")
    me.credentials(HTTP_ACCEPT_LANGUAGE="ru", HTTP_AUTHORIZATION=f"Token {me.answer['token']}")
    ask(api, phone)
    for response in [
        ask(api, phone),
        enter(api, phone, "000000"),
        enter(api, other_phone, "000000"),
        api.get("/api/users/"),
        me.get("/api/users/0/"),
        me.get("/api/users/?cursor=x"),
        me.post("/api/referrals/referral_code/", {"referral_code": own(me, owner)}),
        me.post("/api/referrals/referral_code/", {"referral_code": "UUUUUU"}),
    ]:
        assert RUSSIAN.search(response.json()["detail"]), response.json()
        assert not RUSSIAN.search(response.json()["code"])
    for field, response in [
        ("phone_number", ask(api, "1")),
        ("phone_number", ask(api, "")),
        ("code", enter(api, phone, "1")),
        ("referral_code", me.post("/api/referrals/referral_code/")),
    ]:
        assert RUSSIAN.search(response.json()[field][0]), response.json()
    refused = enter(api, phone, "000000", referral_code="UUUUUU")
    assert RUSSIAN.search(refused.json()["detail"])


def test_the_message_and_the_fate_of_a_code_speak_russian(api, phone, last_code, outbox):
    api.credentials(HTTP_ACCEPT_LANGUAGE="ru")
    ask(api, phone)
    assert RUSSIAN.search(outbox[0].text)
    answer = enter(api, phone, last_code(phone), referral_code="UUUUUU").json()
    assert RUSSIAN.search(answer["referral"]["detail"])


@pytest.mark.parametrize("language", ["", "*", "xx", "en-GB", "tlh, sjn;q=0.5"])
def test_other_languages_get_english(api, phone, language):
    api.credentials(HTTP_ACCEPT_LANGUAGE=language)
    assert enter(api, phone, "123456").json()["detail"] == "This code is no longer valid. Ask for a new one."


# What a host puts in place of ours, by a dotted path


class Gateway(BaseSmsBackend):
    taken = []

    def send(self, message):
        self.taken.append((message.phone_number, message.text))


def test_a_gateway_of_the_host(api, phone, outbox, settings, monkeypatch):
    monkeypatch.setattr(Gateway, "taken", [])
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.Gateway"
    ask(api, phone)
    ((to, text),) = Gateway.taken
    assert to == phone
    assert text.startswith("Your code: ")
    assert outbox == []


class SignedKey(TokenAuthentication):
    keyword = "Signed"

    def authenticate_credentials(self, key):
        return get_user_model().objects.get(pk=signing.loads(key)), None


class SignedKeys(BaseTokenIssuer):
    token_type = "Signed"
    authentication_classes = (SignedKey,)

    def issue(self, user, *, created):
        return {"token": signing.dumps(user.pk), "expires_in": 3600}

    def revoke(self, user): ...

    def revoke_all(self, user): ...


def test_a_token_issuer_of_the_host(api, phone, last_code, settings):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"{__name__}.SignedKeys"
    ask(api, phone)
    answer = enter(api, phone, last_code(phone)).json()
    assert set(answer) == {"token", "expires_in", "token_type", "created", "user", "referral"}
    assert api.get("/api/users/me/")["WWW-Authenticate"] == "Signed"
    api.credentials(HTTP_AUTHORIZATION=f"{answer['token_type']} {answer['token']}")
    assert api.get("/api/users/me/").json()["phone_number"] == phone
    assert api.post("/api/users/logout/").status_code == 204
    assert not Token.objects.exists()


class ByInvitation(SignInError):
    code = "by_invitation"
    status_code = 403


class InvitedOnly(PhoneAccounts):
    def create(self, phone_number):
        raise ByInvitation("Ask somebody to invite you.")


def test_accounts_of_the_host_decide_who_becomes_a_user(api, phone, other_phone, make_user, last_code, settings):
    make_user()
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.InvitedOnly"
    ask(api, phone)
    assert enter(api, phone, last_code(phone)).status_code == 200
    ask(api, other_phone)
    refused = enter(api, other_phone, last_code(other_phone))
    assert refused.status_code == 403
    assert refused.json() == {"detail": "Ask somebody to invite you.", "code": "by_invitation"}


def invented_code(length):
    return "SUMMER"


def test_a_generator_of_the_host_invents_the_codes(sign_in, phone, settings):
    settings.PHONE_REFERRALS_CODE_GENERATOR = f"{__name__}.invented_code"
    assert sign_in(phone).get("/api/users/me/").json()["referral_code"] == "SUMMER"


# On any host


@pytest.mark.django_db(transaction=True)
def test_a_wrong_guess_counts_on_a_host_with_atomic_requests(api, phone, last_code, settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    ask(api, phone)
    assert refusal(enter(api, phone, wrong(last_code(phone)))) == (400, "invalid_code")
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 1
    assert enter(api, phone, last_code(phone)).status_code == 201


def test_nothing_is_sent_to_a_phone_by_signing_in_or_reading(me, outbox):
    sent = len(outbox)
    me.get("/api/users/")
    me.get("/api/users/me/")
    me.get("/api/referrals/")
    assert len(outbox) == sent
