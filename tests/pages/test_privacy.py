"""What the pages, the log and the error reports tell of other people's numbers and of codes: nothing."""

import sys

import pytest
from django.core.signals import got_request_exception
from django.test import Client
from django.views.debug import ExceptionReporter

from phone_referrals.models import Referral
from phone_referrals.referrals.codes import code_of
from tests import test_privacy
from tests.test_privacy import assert_secret, crash

pytestmark = pytest.mark.django_db

everything = test_privacy.everything  # a fixture
BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


@pytest.fixture(autouse=True)
def long_codes(settings):
    """Ten digits: six would by chance be found in times and addresses."""
    settings.PHONE_REFERRALS_CODE_DIGITS = 10


@pytest.fixture
def reports():
    """Django's reports of errors, as mailed to ADMINS."""
    written = []

    def write(sender, request=None, **kwargs):
        report = ExceptionReporter(request, *sys.exc_info())
        written.extend([report.get_traceback_text(), report.get_traceback_html()])

    got_request_exception.connect(write)
    yield written
    got_request_exception.disconnect(write)


def test_other_peoples_numbers_are_masked_on_every_page(make_user, phone):
    me, referrer, *others = map(make_user, range(8))
    Referral.objects.create(referrer=referrer, referred=me, code="A")
    for upper, lower in [(0, 2), (0, 3), (2, 4), (4, 5), (0, 6), (0, 7)]:
        people = [me, referrer, *others]
        Referral.objects.create(referrer=people[upper], referred=people[lower], code="A")
    client = Client()
    client.force_login(me, BACKEND)

    pages = [client.get(path).content.decode() for path in ("/", "/invitees/")]

    for user in [referrer, *others]:
        assert_secret("\n".join(pages), str(user.phone_number))
        assert code_of(user).code not in "\n".join(pages)
    assert "+1 *** *** **01" in pages[0]
    assert all(f"**0{number}" in pages[0] for number in range(1, 8))
    assert "**05" not in pages[1]


def test_the_code_page_shows_neither_number_nor_code(ask, client, phone, last_code, wrong):
    ask(phone)
    pages = [client.get("/sign-in/code/"), client.post("/sign-in/code/", {"code": "9" * 10})]
    assert_secret("\n".join(page.content.decode() for page in pages), phone, last_code(phone))


def test_the_log_says_no_number_and_no_code(client, phone, other_phone, last_code, everything, settings):
    codes = []
    with everything() as output:
        for number in (phone, other_phone):
            client.post("/sign-in/", {"phone_number": number})
            client.post("/sign-in/", {"phone_number": number})
            client.post("/sign-in/", {"phone_number": f"{number}9999"})
            codes.append(last_code(number))
            client.post("/sign-in/code/again/")
            client.post("/sign-in/code/", {"code": "0" * 10})
            client.post("/sign-in/code/", {"code": f"{codes[-1]}9"})
            client.put("/sign-in/code/", {"code": codes[-1]})
            Client(enforce_csrf_checks=True).post("/sign-in/", {"phone_number": number})
            assert client.post("/sign-in/code/", {"code": codes[-1]}).status_code == 303
            client.get("/")
            client.get("/invitees/?cursor=x")
            client.post("/sign-out/")
        settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.SilentSmsBackend"
        assert client.post("/sign-in/", {"phone_number": "+12015550142"}).status_code == 503
    assert any("SMS not delivered: TimeoutError" in text for text in output)
    assert_secret("\n".join(output), phone, other_phone, "+12015550142", *codes)


CRASHES = [
    "phone_referrals.signin.codes.read",
    "phone_referrals.signin.policy.on_guess",
    "phone_referrals.signin.codes.derive",
    "phone_referrals.accounts.PhoneAccounts.create",
    "phone_referrals.tokens.session.login",
    "phone_referrals.profiles.sign_in.redeem_first",
    "phone_referrals.profiles.pages.sign_in",
    "phone_referrals.profiles.pages.explain",
]


@pytest.mark.parametrize("place", CRASHES)
def test_a_crash_while_a_code_is_entered_tells_no_secret(
    client,
    ask,
    phone,
    last_code,
    everything,
    reports,
    monkeypatch,
    place,
):
    client.raise_request_exception = False
    client.get("/r/UVWXYZ/")
    ask(phone)
    monkeypatch.setattr(place, crash)
    with everything() as output:
        assert client.post("/sign-in/code/", {"code": last_code(phone)}).status_code == 500
    assert all("RuntimeError" in text for text in reports)
    assert reports
    assert_secret("\n".join([*output, *reports]), phone, last_code(phone))


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/code/again/"])
@pytest.mark.parametrize(
    "place",
    [
        "phone_referrals.phones.parse",
        "phone_referrals.phones.region_of",
        "phone_referrals.signin.policy.on_request",
        "phone_referrals.sms.render_to_string",
        "phone_referrals.signin.pages.request_code",
        "phone_referrals.http.client_address",
        "phone_referrals.signin.pages.PendingSignIn.keep",
    ],
)
def test_a_crash_while_a_code_is_asked_for_tells_no_number(
    client,
    ask,
    phone,
    everything,
    reports,
    monkeypatch,
    settings,
    place,
    path,
):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
    settings.PHONE_REFERRALS_RESEND_WAIT = (0, 0)
    client.raise_request_exception = False
    ask(phone)
    monkeypatch.setattr(place, crash)
    with everything() as output:
        answer = client.post(path, {"phone_number": phone})
    if place.endswith("render_to_string"):
        assert answer.status_code == (503 if path == "/sign-in/" else 303)
    elif not (place.endswith("parse") and path.endswith("again/")):
        assert answer.status_code == 500
        assert reports
    assert_secret("\n".join([*output, *reports]), phone)


def test_no_address_and_no_cookie_shows_a_number_or_a_code(client, ask, phone, last_code):
    sent = [ask(phone)]
    code = last_code(phone)
    sent += [client.post("/sign-in/", {"phone_number": phone}), client.post("/sign-in/code/", {"code": code})]
    for answer in sent:
        assert_secret(f"{answer.headers} {answer.cookies}", phone, code)
