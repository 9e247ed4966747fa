"""The invitation that waits in a cookie: how it is kept, what is ignored, and when it is used."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpResponse, JsonResponse
from django.test import AsyncClient, Client

from phone_referrals.exceptions import Busy
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import invites
from phone_referrals.referrals.codes import code_of, fold

SALT = "phone_referrals.referrals.invites"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def following(code, rf, **request):
    """Return the cookie that is set by following a link, if one is."""
    response = HttpResponse()
    request = rf.get("/", **request)
    invites.remember(request, response, code)
    return response.cookies.get(invites.COOKIE)


def request_with(rf, value):
    request = rf.get("/")
    request.COOKIES[invites.COOKIE] = value
    return request


# The cookie


def test_a_code_is_kept_for_thirty_days_in_an_httponly_cookie(rf):
    cookie = following("a1-b2 c3", rf)

    assert cookie["max-age"] == 30 * 24 * 3600
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""
    assert cookie["secure"] == ""
    assert signing.loads(cookie.value, salt=SALT) == ["A1B2C3"]


def test_the_cookie_holds_the_code_and_nothing_else(rf):
    payload, _time, _signature = following("A1B2C3", rf).value.split(":")
    assert signing.b64_decode(payload.encode()) == b'["A1B2C3"]'


@pytest.mark.parametrize(
    ("secure", "setting", "expected"), [(True, False, True), (False, True, True), (False, False, "")]
)
def test_the_cookie_is_secure_on_https_and_where_sessions_are(rf, settings, secure, setting, expected):
    settings.SESSION_COOKIE_SECURE = setting
    assert following("A1B2C3", rf, secure=secure)["secure"] == expected


def test_the_cookie_is_of_where_sessions_are(rf, settings):
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN = "/shop/", ".example.com"
    cookie = following("A1B2C3", rf)
    assert (cookie["path"], cookie["domain"]) == ("/shop/", ".example.com")
    response = HttpResponse()
    invites.forget(response)
    dropped = response.cookies[invites.COOKIE]
    assert (dropped["path"], dropped["domain"], dropped["max-age"], dropped.value) == ("/shop/", ".example.com", 0, "")


def test_a_cookie_that_is_kept_for_longer_is_not_believed(rf):
    with time_machine.travel(NOW, tick=False) as clock:
        cookie = following("A1B2C3", rf)
        clock.shift(timedelta(days=30))
        assert invites.codes_in(request_with(rf, cookie.value)) == ["A1B2C3"]
        clock.shift(2)
        assert invites.codes_in(request_with(rf, cookie.value)) == []


def test_the_last_five_links_are_kept_in_their_order(rf):
    request = rf.get("/")
    for code in ("A1", "A2", "A3", "A2", "A4", "A5", "A6"):
        response = HttpResponse()
        invites.remember(request, response, code)
        if response.cookies:
            request = request_with(rf, response.cookies[invites.COOKIE].value)
    assert invites.codes_in(request) == ["A2", "A3", "A4", "A5", "A6"]


@pytest.mark.parametrize("samesite", ["Lax", "Strict", "None", False])
def test_the_cookie_is_sent_where_sessions_are(rf, settings, samesite):
    settings.SESSION_COOKIE_SAMESITE = samesite
    assert following("A1B2C3", rf)["samesite"] == (samesite or "")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
        {"sec-fetch-dest": "image"},
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-dest": "empty"},
    ],
)
def test_what_no_person_has_opened_is_not_kept(rf, headers):
    assert following("A1B2C3", rf, headers=headers) is None
    assert following("A1B2C3", rf, headers={"sec-fetch-dest": "document"})


def test_a_call_of_the_api_keeps_nothing(rf):
    response = JsonResponse({})
    invites.remember(rf.get("/"), response, "A1B2C3")
    assert not response.cookies


@pytest.mark.parametrize(("codes", "likely"), [([], ""), (["B10G.C0M"], ""), (["B10G.C0M", "A1", "B2"], "A1")])
def test_an_invitation_needs_what_looks_like_a_code(codes, likely):
    assert invites.likely(codes) == likely


def test_a_cookie_that_is_not_believed_is_replaced(rf):
    response = HttpResponse()
    invites.remember(request_with(rf, "garbage"), response, "SECOND")
    assert signing.loads(response.cookies[invites.COOKIE].value, salt=SALT) == ["SEC0ND"]


@pytest.mark.parametrize(
    "code", ["", " ", "---", "\u2003", "A" * 33, "A" * 100_000, "\0", "A\0", "\ud800", "\u202eA", "\x1b[31m", "ﷺ" * 32]
)
def test_what_can_be_no_code_is_not_kept(rf, code):
    assert following(code, rf) is None


@pytest.mark.parametrize("code", ["A" * 32, "ДЕД МОРОЗ", "A/B", "<script>", "😀", "A;B=C", "50%"])
def test_a_code_of_any_characters_is_kept(rf, code):
    cookie = following(code, rf)
    assert invites.codes_in(request_with(rf, cookie.value)) == [fold(code)]
    assert cookie.value.isascii()
    assert not {*cookie.value} & {*' ;,"\\'}


def signed(payload, **changes):
    return signing.dumps(payload, **{"salt": SALT, **changes})


GOOD = "IkExQjJDMyI"  # "A1B2C3" in Base64
TAMPERED = {
    "garbage": lambda: "garbage",
    "empty": lambda: "",
    "colons": lambda: ":::::",
    "a code alone": lambda: "A1B2C3",
    "no signature": lambda: ":".join(signed("A1B2C3").split(":")[:2]),
    "an empty signature": lambda: ":".join([*signed("A1B2C3").split(":")[:2], ""]),
    "another code": lambda: ":".join([signing.b64_encode(b'"EV1L00"').decode(), *signed("A1B2C3").split(":")[1:]]),
    "another time": lambda: ":".join([GOOD, "zzzzzz", signed("A1B2C3").split(":")[2]]),
    "another salt": lambda: signed("A1B2C3", salt="other"),
    "no salt": lambda: signing.dumps("A1B2C3"),
    "another key": lambda: signed("A1B2C3", key="other"),
    "a session's": lambda: signing.dumps({"a": 1}, salt="django.contrib.sessions.backends.signed_cookies"),
    "accents": lambda: "é:é:é",
    "emoji": lambda: "😀" * 50,
    "NUL": lambda: "\0",
    "long": lambda: "A" * 100_000,
    "long with colons": lambda: "A:" * 50_000,
    "compressed": lambda: "." + signed("A1B2C3"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_cookie_that_was_tampered_with_is_ignored(rf, how):
    assert invites.codes_in(request_with(rf, TAMPERED[how]())) == []


def test_a_cookie_of_before_the_secret_was_changed_is_read(rf, settings):
    value = following("A1B2C3", rf).value
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert invites.codes_in(request_with(rf, value)) == ["A1B2C3"]
    settings.SECRET_KEY_FALLBACKS = []
    assert invites.codes_in(request_with(rf, value)) == []


# The link


@pytest.fixture
def owner(make_user):
    return make_user(40)


@pytest.fixture
def code(owner):
    return code_of(owner).code


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = "tests.pages.urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "phone_referrals.referrals.invites.InviteMiddleware"]


@pytest.fixture
def follow(client):
    """Follow a code's link, or come with it to any page."""

    def follow(code, how="link"):
        return client.get(f"/r/{code}/" if how == "link" else "/elsewhere/", {"ref": code} if how == "ref" else None)

    return follow


def described(response):
    """Return all that a visitor, or a program, can see of a response, but for the code that it came with."""
    headers = {name: value for name, value in response.headers.items() if name != "Expires"}
    headers["Location"] = headers.get("Location", "").partition("?")[0]
    cookies = {name: {**morsel, "expires": "", "value": ""} for name, morsel in response.cookies.items()}
    return response.status_code, headers, cookies, response.content


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["link", "ref"])
def test_an_unknown_or_disabled_code_is_answered_as_any_other(site, owner, code, make_user, how):
    disabled, inactive, expired = (code_of(make_user(number)) for number in (41, 42, 43))
    ReferralCode.objects.filter(pk=disabled.pk).update(is_disabled=True)
    ReferralCode.objects.filter(pk=expired.pk).update(expires_at=NOW - timedelta(days=9999))
    get_user_model().objects.filter(pk=inactive.user_id).update(is_active=False)

    with time_machine.travel(NOW, tick=False):
        answers = []
        for each in (code, disabled.code, inactive.code, expired.code, "UVWXYZ"):
            path, data = (f"/r/{each}/", None) if how == "link" else ("/elsewhere/", {"ref": each})
            answers.append(described(Client().get(path, data)))

    assert (
        len({json.dumps([status, headers, cookies, content.decode()]) for status, headers, cookies, content in answers})
        == 1
    )


@pytest.mark.django_db
def test_no_statement_is_made_by_following_a_link(site, follow, code, django_assert_num_queries):
    with django_assert_num_queries(0):
        follow(code)
    with django_assert_num_queries(0):
        follow("UVWXYZ")


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["link", "ref"])
def test_nothing_of_the_inviter_is_shown(site, client, owner, code, follow, how):
    follow(code, how)
    for path in ("/sign-in/", "/r/A1B2C3/", "/elsewhere/"):
        page = client.get(path)
        assert code not in page.content.decode()
        assert "**40" not in page.content.decode()
        assert "0140" not in page.content.decode()


@pytest.mark.django_db
def test_a_link_leads_to_the_sign_in(site, follow, code):
    answer = follow(code)
    assert (answer.status_code, answer["Location"]) == (303, f"/sign-in/?invite={code}")


@pytest.mark.django_db
def test_a_sign_up_of_the_site_does_not_fail_for_a_lock(rf, make_user, monkeypatch, caplog):
    def wait_too_long(user, codes):
        raise Busy(retry_after=1)

    monkeypatch.setattr(invites, "redeem_first", wait_too_long)
    assert invites.accept(rf.get("/"), make_user(50)) is None
    assert caplog.messages == ["An invitation was not accepted: busy."]


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["pages", "api", "own"])
def test_the_first_valid_invitation_wins(
    site, client, owner, code, make_user, phone, send_code, last_code, follow, door, rf
):
    disabled, later = code_of(make_user(41)), code_of(make_user(42))
    ReferralCode.objects.filter(pk=disabled.pk).update(is_disabled=True)
    for how, each in (("ref", "blog.example.com"), ("link", code[:-1]), ("link", disabled.code), ("link", code)):
        follow(each, how)
    follow(later.code, "ref")
    if door == "own":
        request = request_with(rf, client.cookies[invites.COOKIE].value)
        assert invites.accept(request, make_user(50)).referrer == owner
        assert invites.accept(rf.get("/"), make_user(51)) is None
    elif door == "api":
        data = {"phone_number": phone, "code": send_code(phone)}
        assert client.post("/api/users/auth/", data, "application/json").json()["referral"]["redeemed"]
    else:
        client.post("/sign-in/", {"phone_number": phone})
        client.post("/sign-in/code/", {"code": last_code(phone)})
    assert Referral.objects.get().referrer == owner


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["get", "post"])
def test_the_address_of_the_sign_in_keeps_the_invitation(site, client, owner, code, phone, last_code, first):
    """Opened in another browser, which has no cookie of the link."""
    address = Client().get(f"/r/{code}/")["Location"]
    if first == "get":
        assert "You followed an invitation." in client.get(address).content.decode()
    client.post(address, {"phone_number": phone})
    client.post("/sign-in/code/", {"code": last_code(phone)})
    assert Referral.objects.get().referrer == owner


@pytest.mark.django_db
@pytest.mark.parametrize("mark", ["", ".", ")", "/).", "/!", "%E2%80%9D", "/%3E"])
def test_a_link_is_followed_with_the_mark_of_its_sentence(site, client, code, mark):
    answer = client.get(f"/r/{code}{mark}", follow=True)  # Django appends the slash.
    assert (f"/sign-in/?invite={code}", 303) in answer.redirect_chain


@pytest.mark.django_db
def test_a_link_to_no_code_leads_to_the_sign_in(site, client):
    assert client.get("/r/../")["Location"] == "/sign-in/"


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["link", "ref"])
@pytest.mark.parametrize("spelling", [str, str.lower, lambda code: f"{code[:3]}-{code[3:]}", lambda code: f" {code} "])
def test_a_new_user_is_redeemed_on_the_pages_and_told_so(
    site, client, owner, code, phone, last_code, follow, how, spelling
):
    follow(spelling(code), how)
    client.post("/sign-in/", {"phone_number": phone})

    page = client.post("/sign-in/code/", {"code": last_code(phone)}, follow=True)

    assert Referral.objects.get().referrer == owner
    assert Referral.objects.get().referred.phone_number == phone
    assert "Welcome! Your invitation has been accepted." in page.content.decode()
    assert invites.COOKIE not in {name for name, morsel in client.cookies.items() if morsel.value}


@pytest.mark.django_db
def test_a_sign_up_by_the_api_redeems_the_browsers_code(site, client, owner, code, phone, send_code, follow):
    follow(code)

    answer = client.post("/api/users/auth/", {"phone_number": phone, "code": send_code(phone)}, "application/json")

    assert answer.status_code == 201
    assert answer.json()["referral"] == {"redeemed": True, "code": None, "detail": None}
    assert Referral.objects.get().referrer == owner
    assert answer.cookies[invites.COOKIE].value == ""


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["pages", "api"])
def test_an_invalid_invitation_costs_no_sign_in_and_is_told(site, client, phone, send_code, follow, door, last_code):
    follow("UVWXYZ")
    if door == "api":
        data = {"phone_number": phone, "code": send_code(phone)}
        answer = client.post("/api/users/auth/", data, "application/json")
        assert answer.status_code == 201
        assert answer.json()["referral"]["code"] == "invalid_referral_code"
    else:
        client.post("/sign-in/", {"phone_number": phone})
        answer = client.post("/sign-in/code/", {"code": last_code(phone)}, follow=True)
        said = "Your invitation could not be accepted: There is no such referral code."
        assert said in answer.content.decode()
    assert client.cookies[invites.COOKIE].value == ""


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["pages", "api"])
def test_an_invitation_never_redeems_for_who_is_a_user_already(
    site, client, owner, code, phone, make_user, send_code, last_code, follow, door
):
    make_user()
    follow(code)
    if door == "api":
        data = {"phone_number": phone, "code": send_code(phone)}
        answer = client.post("/api/users/auth/", data, "application/json")
        assert answer.status_code == 200
        assert answer.json()["referral"] is None
    else:
        client.post("/sign-in/", {"phone_number": phone})
        answer = client.post("/sign-in/code/", {"code": last_code(phone)}, follow=True)
        assert "To accept your invitation, use its code." in answer.content.decode()
    assert not Referral.objects.exists()
    # On the pages it waits in the form of the profile.
    assert bool(client.cookies[invites.COOKIE].value) is (door == "pages")


@pytest.mark.unmeasured
@pytest.mark.django_db
@pytest.mark.parametrize("door", ["pages", "api"])
@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_cookie_redeems_nothing_and_breaks_nothing(
    site, client, make_user, phone, send_code, last_code, door, how
):
    ReferralCode.objects.create(user=make_user(40), code="A1B2C3")
    value = TAMPERED[how]()
    client.cookies[invites.COOKIE] = value if value.isascii() and value.isprintable() else "%00"
    if door == "api":
        data = {"phone_number": phone, "code": send_code(phone)}
        assert client.post("/api/users/auth/", data, "application/json").status_code == 201
    else:
        client.post("/sign-in/", {"phone_number": phone})
        assert client.post("/sign-in/code/", {"code": last_code(phone)}).status_code == 303
    assert not Referral.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("payload", [["A1B2C3"], {"A": 1}, None, 5, True, "\0", "\ud800", "A" * 1000, "", [[]] * 100])
def test_a_payload_that_this_site_never_writes_breaks_nothing(site, client, phone, send_code, payload):
    client.cookies[invites.COOKIE] = signed(payload)
    assert client.get("/r/A1B2C3/").status_code == 303
    data = {"phone_number": phone, "code": send_code(phone)}
    assert client.post("/api/users/auth/", data, "application/json").status_code == 201
    assert not Referral.objects.exists()


@pytest.mark.django_db
def test_a_code_that_is_typed_comes_before_the_invitation(
    site, client, owner, code, make_user, phone, send_code, follow
):
    typed = code_of(make_user(41))
    follow(code)
    data = {"phone_number": phone, "code": send_code(phone), "referral_code": typed.code}
    assert client.post("/api/users/auth/", data, "application/json").status_code == 201
    assert Referral.objects.get().referrer == typed.user
    assert client.cookies[invites.COOKIE].value == ""


@pytest.mark.django_db
def test_an_invitation_outlives_a_wrong_code(site, client, owner, code, phone, last_code, follow):
    follow(code)
    client.post("/sign-in/", {"phone_number": phone})
    client.post("/sign-in/code/", {"code": f"{(int(last_code(phone)) + 1) % 10**6:06}"})
    assert client.cookies[invites.COOKIE].value
    client.post("/sign-in/code/", {"code": last_code(phone)})
    assert Referral.objects.get().referrer == owner


@pytest.mark.django_db
def test_an_invitation_is_used_once(site, client, owner, code, phone, other_phone, last_code, follow):
    follow(code)
    for number in (phone, other_phone):
        client.post("/sign-in/", {"phone_number": number})
        client.post("/sign-in/code/", {"code": last_code(number)})
        client.post("/sign-out/")
    assert Referral.objects.get().referred.phone_number == phone


@pytest.mark.django_db
def test_the_api_drops_no_cookie_where_there_is_none(site, client, phone, send_code):
    data = {"phone_number": phone, "code": send_code(phone)}
    assert not client.post("/api/users/auth/", data, "application/json").cookies


@pytest.mark.django_db
@pytest.mark.parametrize(
    "vanity", ["A/B", "/A", "A//B", "A&B=C", "50%", "A+B", "A#1", "A?B", "ДЕД-МОРОЗ", "A;B", '"><B>', "😀"]
)
def test_a_code_of_any_characters_invites_by_its_link(site, client, make_user, phone, sign_in, last_code, vanity):
    owner = sign_in("+12015550140")
    user = get_user_model().objects.get()
    ReferralCode.objects.create(user=user, active_for=user, code=fold(vanity))
    link = owner.get("/api/referrals/").json()["referral_link"]

    assert client.get(link)["Location"] == f"/sign-in/?{urlencode({'invite': fold(vanity)})}"
    client.post("/sign-in/", {"phone_number": phone})
    client.post("/sign-in/code/", {"code": last_code(phone)})

    assert Referral.objects.get().referrer.phone_number == "+12015550140"


# The middleware


def test_the_middleware_leaves_other_pages_alone(site, client):
    answer = client.get("/elsewhere/")
    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Cache-Control" not in answer.headers


def test_no_cache_hands_a_visitors_cookie_to_others(site, client):
    answer = client.get("/elsewhere/?ref=A1B2C3")
    assert answer.content == b"A page of the site."
    assert invites.COOKIE in answer.cookies
    assert "Cookie" in answer["Vary"]
    assert answer["Cache-Control"] == "private"
    # Also the answer that sets none, because this visitor has one.
    again = client.get("/elsewhere/?ref=A1B2C3")
    assert not again.cookies
    assert again["Cache-Control"] == "private"


@pytest.mark.parametrize(
    "query", ["ref=", "ref=%00", "ref=%ff%fe", "ref", "ref=" + "A" * 5000, "ref=%ed%a0%80", "Ref=A"]
)
def test_the_middleware_takes_no_nonsense(site, client, query):
    answer = client.get(f"/elsewhere/?{query}")
    assert answer.status_code == 200
    assert not [name for name, cookie in answer.cookies.items() if len(cookie.value) > 200]
    assert query in {"ref=%ff%fe", "ref=%ed%a0%80"} or not answer.cookies


def test_the_last_of_two_codes_in_an_address_is_taken(site, client):
    client.get("/elsewhere/?ref=FIRST&ref=A1B2C3")
    assert signing.loads(client.cookies[invites.COOKIE].value, salt=SALT) == ["A1B2C3"]


@pytest.mark.parametrize("path", ["/nowhere/?ref=A1B2C3", "/elsewhere/?ref=A1B2C3", "/sign-in/?ref=A1B2C3"])
def test_any_page_of_the_site_takes_a_code(site, client, path, db):
    client.get(path)
    assert signing.loads(client.cookies[invites.COOKIE].value, salt=SALT) == ["A1B2C3"]


def test_the_middleware_runs_in_a_chain_of_coroutines(rf):
    async def get_response(request):
        return HttpResponse("hello")

    middleware = invites.InviteMiddleware(get_response)
    assert iscoroutinefunction(middleware)

    answer = asyncio.run(middleware(rf.get("/?ref=A1B2C3")))

    assert answer.content == b"hello"
    assert invites.COOKIE in answer.cookies
    assert answer["Cache-Control"] == "private"


def test_the_middleware_runs_in_a_chain_of_functions(rf):
    middleware = invites.InviteMiddleware(lambda request: HttpResponse("hello"))
    assert not iscoroutinefunction(middleware)
    assert invites.COOKIE in middleware(rf.get("/?ref=A1B2C3")).cookies


def test_the_middleware_runs_under_asgi(site, settings):
    settings.MIDDLEWARE = ["phone_referrals.referrals.invites.InviteMiddleware"]

    async def get():
        return await AsyncClient().get("/elsewhere/?ref=A1B2C3")

    answer = asyncio.run(get())
    assert answer.content == b"A page of the site."
    assert invites.COOKIE in answer.cookies
