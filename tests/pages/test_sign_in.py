"""Signing in on the pages, as a browser does it."""

import re
from contextlib import suppress
from urllib.parse import quote, urljoin

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from phone_referrals import signals
from phone_referrals.exceptions import Busy, CaptchaFailed, InvalidCode, TooManyGuesses
from phone_referrals.models import PhoneVerification, ReferralCode
from phone_referrals.referrals.codes import code_of
from phone_referrals.signin import policy
from phone_referrals.signin.pages import SESSION_KEY, region_of_browser
from phone_referrals.signin.verification import check_code, request_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    """A clock that stands until `clock.shift(seconds)`."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


# The number


def test_the_first_page_asks_for_the_number(client, text_of):
    page = client.get("/sign-in/")

    assert page.status_code == 200
    assert "Enter your phone number. We will send you a code by SMS." in text_of(page)
    assert 'type="tel"' in page.content.decode()


def test_a_code_is_sent_to_the_number_and_its_page_follows(client, ask, phone, outbox, text_of):
    answer = ask("+1 (201) 555-0100")

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/code/")
    assert [message.phone_number for message in outbox] == [phone]
    assert "The code was sent to +1 *** *** **00" in text_of(client.get(answer["Location"]))


def test_the_message_names_the_host_without_its_port(client, phone, outbox, settings):
    settings.ALLOWED_HOSTS = ["*"]
    client.post("/sign-in/", {"phone_number": phone}, headers={"host": "example.com:8000"})
    assert re.search(r"@example\.com #\d{6}$", outbox[0].text)


def test_the_phone_waits_in_the_session_and_in_no_address(client, ask, phone):
    answer = ask(phone)

    assert client.session[SESSION_KEY]["phone_number"] == phone
    assert "201" not in answer["Location"]
    page = client.get(answer["Location"]).content.decode()
    assert "2015550100" not in re.sub(r"\D", "", page)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "This field is required."),
        ("abc", "Enter a valid phone number."),
        ("201 555 0100", "Enter a valid phone number."),
        ("+1" * 40, "Ensure this value has at most 64 characters (it has 80)."),
        ("+12015550100\0", "Null characters are not allowed."),
    ],
)
def test_what_is_no_number_is_said_beside_the_field(client, ask, outbox, text_of, typed, message):
    answer = ask(typed)

    assert answer.status_code == 400
    assert message in text_of(answer)
    assert outbox == []
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize(
    ("languages", "region"),
    [
        ("en-US", "US"),
        ("en-us,en;q=0.5", "US"),
        ("ru-KZ", "KZ"),
        ("ru,en-GB;q=0.5", "GB"),
        ("en-GB;q=0.5,ru-RU", "RU"),
        ("zh-Hant-TW", "TW"),
        ("ru", None),
        ("us", None),
        ("en-001", None),
        ("en-XX", None),
        ("en-US-", None),
        ("", None),
        ("*", None),
        ("é" * 10, None),
        ("-US" * 1000, None),
        ("en" + ",en-US" * 10_000, "US"),
        ("\0", None),
    ],
)
def test_a_national_number_is_read_in_the_browsers_region(rf, languages, region):
    assert region_of_browser(rf.get("/", headers={"accept-language": languages})) == region


def test_a_browser_may_have_no_language(rf):
    assert region_of_browser(rf.get("/")) is None


def test_the_region_of_the_browser_counts(client, phone, outbox):
    client.post("/sign-in/", {"phone_number": "(201) 555-0100"}, headers={"accept-language": "en-US"})
    assert [message.phone_number for message in outbox] == [phone]


def test_a_region_that_is_not_served_is_refused(ask, phone, settings, text_of, outbox):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["RU"]
    answer = ask(phone)
    assert answer.status_code == 400
    assert "Codes are not sent to numbers of this country or territory." in text_of(answer)
    assert outbox == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+33 1 99 00 12 34", "Codes are not sent to landlines. Enter a mobile number."),
        ("+1 900 555 0123", "Codes are not sent to premium-rate and service numbers. Enter a mobile number."),
        ("+54 11 2345 6789", "Mobile numbers of this country have a 9 after +54."),
        ("+55 11 8123-4567", "Enter a valid phone number. Mobile numbers of this country have a 9 after +55 11."),
    ],
)
def test_the_page_says_why_a_number_is_sent_no_code(ask, text_of, outbox, number, words):
    answer = ask(number)
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert outbox == []


@pytest.mark.parametrize(
    ("gateway", "again"), [("RefusingSmsBackend", "Try again in 30 seconds."), ("SilentSmsBackend", "Try again.")]
)
def test_a_gateway_that_fails_is_said(client, ask, phone, settings, text_of, gateway, again):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"tests.gateways.{gateway}"
    answer = ask(phone)
    assert answer.status_code == 503
    assert f"The message could not be sent. {again}" in text_of(answer)
    assert SESSION_KEY not in client.session


def test_a_phone_that_is_locked_is_said(ask, phone, settings, text_of):
    ask(phone)
    PhoneVerification.objects.update(wrong_guesses_since_success=100)
    answer = ask(phone)
    assert answer.status_code == 403
    assert "Contact support." in text_of(answer)


# Asking again


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/code/again/"])
def test_who_asks_too_soon_is_told_how_long_to_wait(client, ask, phone, outbox, text_of, clock, path):
    ask(phone)
    clock.shift(10)

    answer = client.post(path, {"phone_number": phone}, follow=True)

    assert answer.redirect_chain == [("/sign-in/code/", 303)]
    assert "A code was sent a moment ago. Wait before you ask for another one. Try again in 20 seconds." in text_of(
        answer
    )
    assert "You can ask for another code in 20 seconds ." in text_of(answer)
    assert 'data-resend-in="20"' in answer.content.decode()
    assert len(outbox) == 1


def test_the_wait_is_counted_down_and_ends(client, ask, phone, text_of, clock):
    ask(phone)
    for seconds, said in [(0, "30 seconds"), (29, "1 second"), (0.5, "1 second")]:
        clock.shift(seconds)
        assert f"You can ask for another code in {said} ." in text_of(client.get("/sign-in/code/"))
    clock.shift(0.5)
    page = client.get("/sign-in/code/")
    assert "You can ask for another code" not in text_of(page)
    assert "Didn't get the message?" in text_of(page)
    assert 'data-resend-in="0"' in page.content.decode()


def test_another_code_is_sent_after_the_wait(client, ask, phone, outbox, clock, text_of):
    ask(phone, next="/elsewhere/")
    clock.shift(30)

    answer = client.post("/sign-in/code/again/")

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/code/")
    assert len(outbox) == 2
    assert client.session[SESSION_KEY]["next_url"] == "/elsewhere/"
    assert 'data-resend-in="60"' in client.get("/sign-in/code/").content.decode()


def test_after_too_many_messages_the_last_code_can_be_entered(client, ask, enter, phone, clock, settings, text_of):
    settings.PHONE_REFERRALS_MESSAGES_PER_DAY = 1
    ask(phone)
    clock.shift(31)

    answer = client.post("/sign-in/code/again/", follow=True)

    assert "Too many codes were sent to this phone. Try again in 25 hours." in text_of(answer)
    assert enter(phone)["Location"] == "/"


def use_up_guesses(phone):
    """As a stranger does, who has no handle."""
    for _ in range(11):
        with suppress(InvalidCode, TooManyGuesses):
            check_code(phone_number=phone, code="no code")


@pytest.mark.parametrize("again", [None, "/sign-in/", "/sign-in/code/again/"])
def test_a_browser_keeps_its_handle_when_it_is_told_to_wait(client, ask, enter, phone, again):
    """As in two tabs, or when the button was pressed twice."""
    ask(phone)
    use_up_guesses(phone)
    if again:
        client.post(again, {"phone_number": phone})
    assert enter(phone)["Location"] == "/"


def test_a_browser_keeps_its_handle_after_a_wrong_number(ask, enter, phone, other_phone):
    ask(phone)
    use_up_guesses(phone)
    ask(other_phone)
    ask(phone)
    assert enter(phone)["Location"] == "/"


def test_a_resend_gives_the_browser_five_guesses_more(client, ask, enter, phone, clock, wrong, last_code, text_of):
    ask(phone)
    for _ in range(5):
        enter(wrong(last_code(phone)))
    assert "Too many wrong codes." in text_of(enter(phone))
    clock.shift(30)
    client.post("/sign-in/code/again/")
    assert enter(phone)["Location"] == "/"


def test_a_browser_without_its_session_may_enter_the_code(client, ask, enter, phone, text_of):
    ask(phone)
    client.cookies.clear()
    assert ask(phone)["Location"] == "/sign-in/code/"
    assert client.session[SESSION_KEY]["request_ids"] == {}
    assert enter(phone)["Location"] == "/"


def test_a_stranger_who_asked_first_keeps_no_owner_out(client, ask, phone, last_code, text_of):
    request_code(phone_number=phone, host="evil.example")

    answer = ask(phone)
    page = client.get(answer["Location"])

    assert answer.status_code == 303
    assert "A code was sent a moment ago." in text_of(page)
    assert client.post("/sign-in/code/", {"code": last_code(phone)})["Location"] == "/"


def test_a_failed_resend_is_told_on_the_code_page(client, ask, phone, settings, text_of, clock):
    ask(phone)
    clock.shift(31)
    settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.RefusingSmsBackend"

    answer = client.post("/sign-in/code/again/", follow=True)

    assert answer.redirect_chain == [("/sign-in/code/", 303)]
    assert "The message could not be sent. Try again in 30 seconds." in text_of(answer)


def test_reloading_the_page_of_the_code_sends_nothing(client, ask, phone, outbox, clock):
    address = ask(phone)["Location"]
    for _ in range(3):
        clock.shift(3600)
        assert client.get(address).status_code == 200
    assert len(outbox) == 1


def test_changing_the_number_shows_the_one_that_was_typed(client, ask, phone, other_phone):
    ask(phone, next="/elsewhere/?a=1&b=2")
    page = client.get("/sign-in/code/").content.decode()
    (link,) = re.findall(r'<a [^>]*href="(/sign-in/[^"]*)"[^>]*>Change the number</a>', page)
    assert link == "/sign-in/?next=%2Felsewhere%2F%3Fa%3D1%26b%3D2"

    page = client.get(link).content.decode()

    assert f'value="{phone}"' in page
    assert 'name="next" value="/elsewhere/?a=1&amp;b=2"' in page
    ask(other_phone)
    assert client.session[SESSION_KEY]["phone_number"] == other_phone


# The code


def test_the_right_code_signs_in(client, ask, enter, phone, text_of):
    ask(phone)

    answer = enter(phone)

    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert str(get_user_model().objects.get().phone_number) == phone
    assert "+1 201-555-0100" in text_of(client.get("/"))
    assert SESSION_KEY not in client.session
    assert not Token.objects.exists()


def test_a_code_may_be_pasted_with_spaces(client, ask, phone, last_code):
    ask(phone)
    code = last_code(phone)
    assert client.post("/sign-in/code/", {"code": f" {code[:3]}\u00a0{code[3:]} "})["Location"] == "/"


def test_the_session_has_another_key_after_the_sign_in(client, ask, enter, phone):
    ask(phone)
    before = client.session.session_key

    enter(phone)

    assert client.session.session_key != before
    stale = Client()
    stale.cookies["sessionid"] = before
    assert stale.get("/").status_code == 302
    assert stale.get("/sign-in/code/")["Location"] == "/sign-in/"


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["4 tries left.", "3 tries left.", "2 tries left.", "1 try left.", "Ask for a new one."]),
        (
            "ru",
            [
                "Осталось 4 попытки.",
                "Осталось 3 попытки.",
                "Осталось 2 попытки.",
                "Осталась 1 попытка.",
                "Запросите новый.",
            ],
        ),
    ],
)
def test_a_wrong_code_says_how_many_tries_are_left(client, ask, phone, last_code, wrong, text_of, language, texts):
    ask(phone)
    headers = {"accept-language": language}
    for text in texts:
        answer = client.post("/sign-in/code/", {"code": wrong(last_code(phone))}, headers=headers)
        assert answer.status_code == 400
        assert text in text_of(answer)
        assert 'name="code"' in answer.content.decode()
    answer = client.post("/sign-in/code/", {"code": last_code(phone)}, headers=headers)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert not get_user_model().objects.exists()


def test_a_wrong_code_and_then_the_right_one_signs_in(ask, enter, phone, last_code, wrong):
    ask(phone)
    assert enter(wrong(last_code(phone))).status_code == 400
    assert enter(phone)["Location"] == "/"


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "1234567", "1" * 65])
def test_what_is_no_code_is_no_guess(ask, enter, phone, text_of, typed):
    ask(phone)
    answer = enter(typed)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 0


def test_a_code_that_is_too_old_has_expired(client, ask, enter, phone, clock, text_of):
    ask(phone)
    clock.shift(600)
    answer = enter(phone)
    assert answer.status_code == 400
    assert "This code is no longer valid. Ask for a new one." in text_of(answer)


def test_a_code_works_only_in_the_browser_that_asked(ask, phone, last_code, text_of):
    ask(phone)
    other = Client()
    answer = other.post("/sign-in/code/", {"code": last_code(phone)}, follow=True)
    assert answer.redirect_chain == [("/sign-in/", 303)]
    assert "Your session has expired. Please start again." in text_of(answer)
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("path", ["/sign-in/code/", "/sign-in/code/again/"])
def test_an_expired_session_begins_again(client, ask, phone, text_of, outbox, path):
    ask(phone)
    client.session.flush()
    answer = client.post(path, {"code": "123456"}, follow=True)
    assert answer.redirect_chain == [("/sign-in/", 303)]
    assert "Your session has expired. Please start again." in text_of(answer)
    assert len(outbox) == 1


@pytest.mark.parametrize("path", ["/sign-in/code/", "/sign-in/code/again/"])
def test_a_visitor_without_a_code_is_led_to_the_beginning(client, text_of, path):
    answer = client.get(path, follow=True)
    assert answer.redirect_chain == [("/sign-in/", 303)]
    assert "expired" not in text_of(answer)


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"is_active": False}, "This account is disabled."),
        ({"is_staff": True}, "Staff cannot sign in by phone."),
        ({"is_superuser": True}, "Staff cannot sign in by phone."),
    ],
)
def test_who_may_not_sign_in_is_told_after_the_proof(
    client, ask, enter, phone, last_code, wrong, make_user, text_of, attributes, text
):
    user = make_user()
    get_user_model().objects.filter(pk=user.pk).update(**attributes)
    ask(phone)
    assert text not in text_of(enter(wrong(last_code(phone))))

    answer = enter(phone)

    assert answer.status_code == 403
    assert text in text_of(answer)
    assert "_auth_user_id" not in client.session


def test_staff_may_sign_in_where_the_site_says_so(ask, enter, phone, make_user, settings):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    get_user_model().objects.filter(pk=make_user().pk).update(is_staff=True)
    ask(phone)
    assert enter(phone)["Location"] == "/"


def test_a_phone_is_locked_after_too_many_wrong_codes(ask, enter, phone, last_code, wrong, monkeypatch, text_of):
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 1)
    ask(phone)
    enter(wrong(last_code(phone)))
    answer = enter(phone)
    assert answer.status_code == 403
    assert "Sign-in with this phone is locked after too many wrong codes. Contact support." in text_of(answer)


def test_a_flood_is_said(ask, enter, phone, monkeypatch, text_of):
    def flooded(**kwargs):
        raise Busy(retry_after=1)

    ask(phone)
    monkeypatch.setattr("phone_referrals.signin.backend.check_code", flooded)
    answer = enter("123456")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")


@pytest.mark.django_db(transaction=True)
def test_a_wrong_guess_stays_counted_with_atomic_requests(ask, enter, phone, last_code, wrong, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    ask(phone)
    assert enter(wrong(last_code(phone))).status_code == 400
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 1
    assert enter(phone)["Location"] == "/"


@pytest.mark.django_db(transaction=True)
def test_signals_are_sent_as_by_the_api(ask, enter, phone, last_code, wrong):
    received = []

    def receive(signal, request=None, **kwargs):
        received.append((signal, bool(request)))

    signals.user_signed_up.connect(receive)
    try:
        ask(phone)
        enter(wrong(last_code(phone)))
        assert received == []
        enter(phone)
        assert received == [(signals.user_signed_up, True)]
    finally:
        signals.user_signed_up.disconnect(receive)


# The echo of a project without a gateway


def test_the_code_is_shown_only_where_it_is_echoed(client, ask, phone, last_code, settings, text_of):
    ask(phone)
    assert last_code(phone) not in client.get("/sign-in/code/").content.decode()
    assert "Development" not in text_of(client.get("/sign-in/code/"))
    PhoneVerification.objects.all().delete()

    settings.PHONE_REFERRALS_ECHO_CODE = True
    ask(phone)
    assert f"Development The code is: {last_code(phone)}" in text_of(client.get("/sign-in/code/"))


def test_the_code_stays_shown_when_it_is_asked_for_too_soon(client, ask, phone, last_code, settings, text_of):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    ask(phone)
    ask(phone)
    assert f"The code is: {last_code(phone)}" in text_of(client.get("/sign-in/code/"))


def test_no_other_phones_or_browsers_code_is_shown(client, ask, phone, other_phone, last_code, settings):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    ask(phone)
    request_code(phone_number=other_phone, host="example.com")
    ask(other_phone)
    page = client.get("/sign-in/code/").content.decode()
    assert last_code(phone) not in page
    assert last_code(other_phone) not in page


# Where to afterwards

SAFE = ["/elsewhere/", "/elsewhere/?a=1&b=%2F", "elsewhere/", "/r/ы/", "?a=b", "http://testserver/elsewhere/"]
UNSAFE = [
    *("//evil.example", "///evil.example", "https://evil.example/", "http:///evil.example", "http:evil.example"),
    *("\\\\evil.example", "/\\evil.example", "\\/evil.example", "/\\/evil.example", "https:\\\\evil.example"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x"),
    *("https://testserver@evil.example/", "http://testserver.evil.example/", "http://evil.example#testserver"),
    *("\x00//evil.example", "\x08//evil.example", "https://evil.example%2F@testserver"),
    *("https:／／evil.example", "http://evil。example/", "http://testserver:80@evil.example"),
    *("mailto:a@evil.example", "ftp://testserver/", "//testserver\\@evil.example", "/" * 50, "http://[::1"),
    *("/" + "a" * 2048, ""),
]


@pytest.mark.parametrize("how", ["post", "get"])
@pytest.mark.parametrize("address", SAFE)
def test_who_came_from_a_page_is_led_back_to_it(client, enter, phone, address, how):
    if how == "get":
        client.post(f"/sign-in/?next={quote(address, safe='')}", {"phone_number": phone})
    else:
        client.post("/sign-in/", {"phone_number": phone, "next": address})
    assert client.session[SESSION_KEY]["next_url"] == address
    assert enter(phone)["Location"] == quote(address, safe=":/?=&%")


def test_nobody_who_is_signed_in_is_led_to_another_site(client, make_user):
    client.force_login(make_user(1), "phone_referrals.signin.backend.PhoneCodeBackend")
    led_to = {}
    for address in UNSAFE:
        query = f"?next={quote(address, safe='')}"
        answers = [client.get(f"/sign-in/{query}"), client.get(f"/sign-in/code/{query}")]
        answers.append(client.post("/sign-in/code/again/", {"next": address}))
        led_to[address] = [answer["Location"] for answer in answers]
    assert led_to == dict.fromkeys(UNSAFE, ["/"] * 3)


@pytest.mark.unmeasured
@pytest.mark.parametrize("how", ["post", "get", "both", "at the code"])
def test_nobody_is_led_to_another_site(phone, last_code, undone, how):
    led_astray = []
    for address in UNSAFE:
        query, client = f"?next={quote(address, safe='')}", Client()
        data = {"phone_number": phone, **({"next": address} if how in {"post", "both"} else {})}
        with undone():
            client.post(f"/sign-in/{query if how in {'get', 'both'} else ''}", data)
            if how == "at the code":
                client.get(f"/sign-in/code/{query}")
                client.post(f"/sign-in/code/again/{query}", {"next": address})
                client.post(f"/sign-in/code/{query}", {"code": "x", "next": address})
            kept, page = client.session[SESSION_KEY]["next_url"], client.get("/sign-in/").content.decode()
            led_to = client.post("/sign-in/code/", {"code": last_code(phone)})["Location"]
        if kept or led_to != "/" or (address and f'value="{address}"' in page):
            led_astray.append((address, kept, led_to))
    assert led_astray == []


@pytest.mark.parametrize(
    "address", ["\x1f/elsewhere/", "ｈttps://evil.example/", "．/／evil.example", "%2F%2Fevil.example"]
)
def test_an_address_that_looks_foreign_stays_on_this_site(client, enter, phone, address):
    client.post("/sign-in/", {"phone_number": phone, "next": address})
    led_to = urljoin("http://testserver/sign-in/code/", enter(phone)["Location"])
    assert led_to.startswith("http://testserver/sign-in/code/")


@pytest.mark.parametrize("target", ["/a%0d%0aSet-Cookie:%20a=b", "/a\r\nSet-Cookie: a=b", "/a\nb"])
def test_an_address_ends_no_header(client, enter, phone, target):
    client.post("/sign-in/", {"phone_number": phone, "next": target})
    answer = enter(phone)
    assert answer["Location"] in {"/", *map(quote_once, [target])}
    assert not re.search(r"[\r\n]", answer["Location"])
    assert "a" not in answer.cookies


def quote_once(address):
    return address.replace("\r", "%0D").replace("\n", "%0A").replace(" ", "%20")


def test_over_https_nobody_is_led_to_plain_http(client, phone):
    client.post("/sign-in/", {"phone_number": phone, "next": "http://testserver/"}, secure=True)
    assert client.session[SESSION_KEY]["next_url"] == ""


@pytest.mark.parametrize(("setting", "address"), [("/elsewhere/", "/elsewhere/"), ("elsewhere", "/elsewhere/")])
def test_the_site_says_where_to_otherwise(ask, enter, phone, settings, setting, address):
    settings.LOGIN_REDIRECT_URL = setting
    ask(phone)
    assert enter(phone)["Location"] == address


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/code/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_signed_in_is_led_on(browser, phone, outbox, path, method):
    client = browser(phone)
    data = {"phone_number": phone, "code": "123456"}
    answer = getattr(client, method)(path, data)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert len(outbox) == 1


def test_who_is_signed_in_is_led_to_where_the_link_says(browser, phone):
    assert browser(phone).get("/sign-in/?next=/elsewhere/")["Location"] == "/elsewhere/"


def test_a_sign_in_waiting_in_another_tab_leads_on(client, ask, browser, phone, other_phone):
    browser(other_phone, client)
    session = client.session
    session[SESSION_KEY] = {"phone_number": phone, "resend_at": 0, "next_url": "/elsewhere/", "code": ""}
    session.save()
    assert client.get("/sign-in/code/")["Location"] == "/elsewhere/"


# Limits, shared with the API


@pytest.mark.parametrize("first", ["pages", "api"])
def test_pages_and_api_count_the_same_senders(ask, limit, phone, other_phone, outbox, text_of, first):
    limit(get_verify_code="1/hour")
    api = APIClient()
    if first == "api":
        api.post("/api/users/get_verify_code/", {"phone_number": phone}, format="json")
        answer = ask(other_phone)
        assert "Too many requests. Try again in 1 hour." in text_of(answer)
    else:
        ask(phone)
        answer = api.post("/api/users/get_verify_code/", {"phone_number": other_phone}, format="json")
    assert answer.status_code == 429
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert len(outbox) == 1


@pytest.mark.parametrize("first", ["pages", "api"])
def test_pages_and_api_count_the_same_guessers(ask, enter, limit, phone, last_code, wrong, text_of, first):
    limit(auth="1/hour")
    ask(phone)
    data = {"phone_number": phone, "code": wrong(last_code(phone))}
    if first == "api":
        assert APIClient().post("/api/users/auth/", data, format="json").status_code == 400
        answer = enter(phone)
        assert "Too many requests. Try again in 1 hour." in text_of(answer)
    else:
        assert enter(data["code"]).status_code == 400
        answer = APIClient().post("/api/users/auth/", data, format="json")
    assert answer.status_code == 429
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 1


def test_sending_again_is_counted_too(client, ask, limit, phone, outbox, text_of, clock):
    limit(get_verify_code="1/hour")
    ask(phone)
    clock.shift(31)
    answer = client.post("/sign-in/code/again/", follow=True)
    assert "Too many requests. Try again in 1 hour." in text_of(answer)
    assert len(outbox) == 1


def test_another_address_has_a_limit_of_its_own(limit, phone, other_phone):
    limit(get_verify_code="1/hour")
    for address, number in [("192.0.2.1", phone), ("192.0.2.2", other_phone)]:
        assert Client(REMOTE_ADDR=address).post("/sign-in/", {"phone_number": number}).status_code == 303


# Guards

asked = []


def guard(request):
    asked.append(request)
    if request.data.get("captcha_token") != "human":
        raise CaptchaFailed


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/code/again/"])
def test_guards_are_given_the_form_and_their_refusal_is_shown(
    client, ask, phone, outbox, settings, clock, text_of, path
):
    ask(phone)
    clock.shift(31)
    settings.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.guard"]
    asked.clear()

    answer = client.post(path, {"phone_number": phone, "captcha_token": "robot"}, follow=True)
    assert "Confirm that you are not a robot." in text_of(answer)
    assert len(outbox) == 1
    client.post(path, {"phone_number": phone, "captcha_token": "human", "more": ["a", "b"]})
    assert len(outbox) == 2

    assert [request.data["captcha_token"] for request in asked] == ["robot", "human"]
    assert {(request.phone_number, request.address) for request in asked} == {(phone, "127.0.0.1")}


# Signing out


def test_signing_out_ends_the_session(browser, phone, text_of):
    client = browser(phone)
    key = client.session.session_key

    answer = client.post("/sign-out/", follow=True)

    assert answer.redirect_chain == [("/sign-in/", 303)]
    assert "You are signed out." in text_of(answer)
    stale = Client()
    stale.cookies["sessionid"] = key
    assert stale.get("/")["Location"] == "/sign-in/?next=/"


@pytest.mark.parametrize("path", ["/sign-out/", "/sign-out/everywhere/"])
def test_nobody_is_signed_out_by_a_link(browser, phone, path):
    client = browser(phone)
    client.get(path)
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/sign-out/", "/sign-out/everywhere/"])
@pytest.mark.parametrize("setting", ["/elsewhere/", "elsewhere"])
def test_the_site_says_where_to_after_signing_out(browser, phone, settings, path, setting):
    settings.LOGOUT_REDIRECT_URL = setting
    assert browser(phone).post(path)["Location"] == "/elsewhere/"


@pytest.mark.parametrize(("path", "tokens"), [("/sign-out/", 1), ("/sign-out/everywhere/", 0)])
def test_signing_out_everywhere_ends_tokens_too(browser, sign_in, phone, other_phone, path, tokens):
    sign_in(phone)
    sign_in(other_phone)
    PhoneVerification.objects.all().delete()
    client = browser(phone)

    answer = client.post(path)

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/")
    assert Token.objects.filter(user__phone_number=phone).count() == tokens
    assert Token.objects.filter(user__phone_number=other_phone).exists()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("path", ["/sign-out/", "/sign-out/everywhere/"])
def test_nobody_may_sign_out_nobody(client, path):
    assert client.post(path)["Location"] == "/sign-in/"


def test_the_next_user_sees_nothing_of_the_one_before(browser, phone, other_phone):
    client = browser(phone)
    client.get("/")
    code = ReferralCode.objects.get().code
    client.post("/sign-out/")
    assert client.get("/sign-in/").content.decode().count("2015550100") == 0
    browser(other_phone, client)
    page = client.get("/").content.decode()
    assert code not in page
    assert "0100" not in page


# Invite links


@pytest.mark.parametrize("code", ["ABC123", "NOBODYS"])
def test_every_invite_link_is_told_of_whatever_its_code(client, text_of, code):
    told = "You followed an invitation. Sign in to accept it."
    assert told not in text_of(client.get("/sign-in/"))
    assert told in text_of(client.get(f"/r/{code}/", follow=True))


def test_a_user_who_follows_a_link_and_signs_in_may_accept_it(client, browser, make_user, text_of):
    make_user(0)
    code = code_of(make_user(1)).code
    client.get(f"/r/{code}/")
    page = browser("+12015550100", client).get("/")
    assert "To accept your invitation, use its code." in text_of(page)
    assert f'value="{code}"' in page.content.decode()


def test_an_invited_user_is_not_told_of_a_later_link(client, browser, make_user, refer, text_of):
    refer(make_user(1), make_user(0))
    client.get(f"/r/{code_of(make_user(2)).code}/")
    page = browser("+12015550100", client).get("/")
    assert "To accept your invitation" not in text_of(page)
    assert client.cookies["phone_referrals_invite"].value == ""
