"""One's own page: the code to share, the form for somebody's code, and the people one invited."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from phone_referrals.exceptions import NotEligible
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals.codes import code_of
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


@pytest.fixture
def me(make_user):
    return make_user(0)


@pytest.fixture
def client(me):
    client = Client()
    client.force_login(me, BACKEND)
    return client


@pytest.fixture
def redeem(client):
    return lambda code: client.post("/", {"referral_code": code})


@pytest.mark.parametrize("path", ["/", "/invitees/"])
@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(path, method):
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


def test_who_was_disabled_is_signed_out(client, me):
    get_user_model().objects.filter(pk=me.pk).update(is_active=False)
    assert client.get("/").status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_user_who_is_deleted_meanwhile_is_led_to_the_sign_in(client, monkeypatch, method):
    monkeypatch.setattr("phone_referrals.pages.page.follow_key", lambda *_: get_user_model().objects.all().delete())
    answer = getattr(client, method)("/", {"referral_code": "ABCDEF"})
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/")


def test_the_profile_shows_ones_number_code_and_link(client, me, text_of):
    page = client.get("/")

    code = ReferralCode.objects.get(user=me).code
    assert page.status_code == 200
    assert "+1 201-555-0100" in text_of(page)
    assert f'<code id="code">{code}</code>' in page.content.decode()
    assert f'<code id="link">http://testserver/r/{code}/</code>' in page.content.decode()
    assert 'data-copy="code" hidden' in page.content.decode()
    assert 'data-share="link" hidden' in page.content.decode()


def test_a_code_is_made_once_for_who_has_none(client, me):
    client.get("/")
    client.get("/")
    assert ReferralCode.objects.filter(user=me).count() == 1


def test_who_has_no_phone_has_a_profile_too(text_of):
    client = Client()
    client.force_login(add_users(1)[0], BACKEND)
    assert "Your referral code" in text_of(client.get("/"))


def test_a_picture_of_the_link_is_shown_where_it_can_be_drawn(client, monkeypatch):
    assert re.search(
        r'<figure class="qr-code" role="img" aria-label="QR code of your link"><svg', client.get("/").content.decode()
    )
    monkeypatch.setattr("phone_referrals.referrals.links.find_spec", lambda name: None)
    assert "qr-code" not in client.get("/").content.decode()


def test_a_site_may_have_links_of_its_own(client, settings, me):
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://example.com/?a=1&ref={code}"
    page = client.get("/").content.decode()
    assert f"https://example.com/?a=1&amp;ref={ReferralCode.objects.get(user=me).code}<" in page


# Who invited me


def test_a_code_is_accepted_once(client, me, make_user, redeem, text_of):
    owner = make_user(7)

    answer = redeem(f" {code_of(owner).code.lower()} ")

    assert (answer.status_code, answer["Location"]) == (303, "/")
    page = client.get("/")
    assert "The referral code has been accepted." in text_of(page)
    assert "Who invited you +1 *** *** **07" in text_of(page)
    assert 'name="referral_code"' not in page.content.decode()
    assert Referral.objects.get().referred == me
    assert "accepted" not in text_of(client.get("/"))


def test_a_referrer_who_is_gone_is_said_to_be(client, make_user, redeem, text_of):
    owner = make_user(7)
    redeem(code_of(owner).code)
    owner.delete()
    assert "Somebody who is no longer here." in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("A" * 501, "Ensure this value has at most 500 characters (it has 501)."),
        ("A\0", "Null characters are not allowed."),
        ("NOBODY", "There is no such referral code."),
        ("---", "There is no such referral code."),
        ("<script>alert(1)</script>", "There is no such referral code."),
    ],
)
def test_an_invalid_code_is_kept_with_an_error_beside_it(redeem, text_of, typed, message):
    answer = redeem(typed)
    assert answer.status_code == 400
    assert message in text_of(answer)
    assert 'id="id_referral_code_error"' in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()
    assert answer.content.decode().startswith("<!doctype html>")


def refuse(*, user, referral_code):
    raise NotEligible("Only in summer <3")


def test_every_refusal_is_in_plain_words(redeem, me, make_user, text_of, settings):
    own, others = code_of(me), code_of(make_user(1))
    invited_by_me = make_user(2)
    Referral.objects.create(referrer=me, referred=invited_by_me, code="A")

    def said(code, status):
        answer = redeem(code)
        assert answer.status_code == status
        return text_of(answer)

    assert "This is your own referral code." in said(own.code, 400)
    assert "The owner of this code was invited by you or by somebody you invited." in said(
        code_of(invited_by_me).code, 409
    )
    ReferralCode.objects.filter(pk=others.pk).update(is_disabled=True)
    assert "There is no such referral code." in said(others.code, 400)
    ReferralCode.objects.filter(pk=others.pk).update(is_disabled=False, max_uses=0)
    assert "This referral code has been used up." in said(others.code, 400)
    ReferralCode.objects.filter(pk=others.pk).update(max_uses=None, expires_at=timezone.now())
    assert "This referral code has expired." in said(others.code, 400)
    ReferralCode.objects.filter(pk=others.pk).update(expires_at=timezone.now() + timedelta(days=1))
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.refuse"]
    assert "Only in summer <3" in said(others.code, 403)
    settings.PHONE_REFERRALS_REDEEM_RULES = []
    assert redeem(others.code).status_code == 303


@pytest.mark.parametrize("gone", [False, True])
def test_who_entered_a_code_in_another_tab_is_told_so(redeem, make_user, text_of, gone):
    owner = make_user(1)
    code = code_of(make_user(2)).code
    redeem(code_of(owner).code)
    if gone:
        owner.delete()

    answer = redeem(code)

    assert answer.status_code == 409
    assert "You have already entered a referral code." in text_of(answer)
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize("scope", ["redeem_user", "redeem_address"])
@pytest.mark.parametrize("first", ["pages", "api"])
def test_pages_and_api_count_the_same_attempts(redeem, me, limit, text_of, scope, first):
    limit(**{scope: "1/hour"})
    api = APIClient()
    api.force_authenticate(me)
    if first == "api":
        assert api.post("/api/referrals/referral_code/", {"referral_code": "NOBODY"}).status_code == 400
        answer = redeem("NOBODY")
        assert "Too many requests. Try again in 1 hour." in text_of(answer)
    else:
        assert redeem("NOBODY").status_code == 400
        answer = api.post("/api/referrals/referral_code/", {"referral_code": "NOBODY"})
    assert answer.status_code == 429
    assert 3590 <= int(answer["Retry-After"]) <= 3600


def test_a_user_finds_the_code_of_a_link_in_the_form(client, make_user, redeem):
    code = code_of(make_user(1)).code

    client.get(f"/r/{code}/")

    assert not Referral.objects.exists()
    assert f'name="referral_code" value="{code}"' in client.get("/").content.decode()
    redeem(code)
    assert client.cookies["phone_referrals_invite"].value == ""


def test_an_invitation_is_told_of_and_ones_own_is_not(client, me, make_user, refer, text_of):
    told = "To accept your invitation, use its code."
    client.get(f"/r/{code_of(me).code}/")
    assert told not in text_of(client.get("/"))
    del client.cookies["phone_referrals_invite"]
    client.get(f"/r/{code_of(make_user(1)).code}/")
    assert told in text_of(client.get("/"))
    refer(make_user(2), me)
    assert told not in text_of(client.get("/"))


def test_a_code_that_is_refused_stays_in_the_cookie(client, make_user, redeem):
    client.get(f"/r/{code_of(make_user(1)).code}/")
    redeem("NOBODY")
    assert client.cookies["phone_referrals_invite"].value


# Whom I invited


def invitees_in(page):
    return re.findall(r'<td class="phone">(.*?)</td>', page.content.decode())


def test_invitees_are_newest_first_masked_and_dated(client, me, make_user, text_of):
    days = [datetime(2026, 10, day, 12, tzinfo=UTC) for day in (21, 23, 22)]
    for number, day in enumerate(days, start=1):
        Referral.objects.create(referrer=me, referred=make_user(number), code="A", created_at=day)

    for path in ("/", "/invitees/"):
        page = client.get(path)
        assert invitees_in(page) == ["+1 *** *** **02", "+1 *** *** **03", "+1 *** *** **01"]
        dates = re.findall(r'<time datetime="(.*?)">(.*?)</time>', page.content.decode())
        assert [(iso[:10], shown) for iso, shown in dates] == [
            ("2026-10-23", "Oct. 23, 2026"),
            ("2026-10-22", "Oct. 22, 2026"),
            ("2026-10-21", "Oct. 21, 2026"),
        ]
    assert "People you invited 3" in text_of(client.get("/"))


def test_an_invitee_without_a_phone_is_shown_by_a_number(client, me):
    (invited,) = add_invitees(me, 1)
    assert invitees_in(client.get("/")) == [f"#{invited}"]


@pytest.mark.unmeasured
def test_invitees_are_counted_up_to_a_thousand(client, me):
    for more, shown in ((0, "0"), (20, "20"), (1, "21"), (979, "1000"), (1, "1000+"), (99, "1000+")):
        add_invitees(me, more)
        assert f'<span class="count">{shown}</span>' in client.get("/").content.decode()


def test_pages_of_invitees_show_everybody_once(client, me, make_user, text_of):
    for number in range(1, 46):
        user = make_user(number)
        when = timezone.now() + timedelta(seconds=number // 3)
        Referral.objects.create(referrer=me, referred=user, code="A", created_at=when)
    expected = [f"+1 *** *** **{number:02}" for number in reversed(range(1, 46))]

    seen, page, pages = invitees_in(client.get("/")), client.get("/"), 1
    assert len(seen) == 20
    while link := re.search(r'<a href="(/invitees/\?cursor=[^"]*)">Earlier ones</a>', page.content.decode()):
        page = client.get(link[1])
        seen += invitees_in(page)
        pages += 1
        assert "Back to the newest" in text_of(page)

    assert seen == expected
    assert pages == 3
    assert "Back to the newest" not in text_of(client.get("/invitees/"))


def test_somebody_elses_cursor_shows_nobody_elses_invitees(client, me, make_user):
    other = make_user(1)
    add_invitees(other, 30)
    stranger = Client()
    stranger.force_login(other, BACKEND)
    link = re.search(r'href="(/invitees/\?cursor=[^"]*)"', stranger.get("/").content.decode())[1]
    assert invitees_in(client.get(link)) == []


@pytest.mark.parametrize("cursor", ["x", "\0", "é", "a:b:c", "<script>", "A" * 100_000, "WzEsMl0:abc:def"])
def test_a_page_that_does_not_exist_is_not_found(client, cursor):
    answer = client.get("/invitees/", {"cursor": cursor})
    assert answer.status_code == 404
    assert "<script>" not in answer.content.decode()


def test_an_empty_list_invites_to_share(client, text_of):
    assert "Nobody yet. Share your code!" in text_of(client.get("/invitees/"))


@pytest.mark.parametrize("path", ["/", "/invitees/"])
def test_the_profile_is_in_russian_too(client, me, text_of, path):
    add_invitees(me, 1)
    text = text_of(client.get(path, headers={"accept-language": "ru"}))
    assert "Кого вы пригласили" in text
    assert not re.findall(r"Invited|Nobody|Share|Back|Your", text)


def test_ones_own_link_does_not_offer_ones_own_code(make_user, client):
    user = make_user(1)
    client.force_login(user, "phone_referrals.signin.backend.PhoneCodeBackend")
    client.get(f"/r/{code_of(user).code}/")
    page = client.get("/").content.decode()
    assert 'name="referral_code"' in page
    assert 'name="referral_code" value=' not in page
