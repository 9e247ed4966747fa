"""Neither a sign-in code nor a whole phone number gets out, whatever happens: everything is captured and searched."""

import logging
import re
import sys
import warnings
from contextlib import contextmanager
from functools import cache
from traceback import walk_tb
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.signals import got_request_exception
from django.db import DataError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse
from django.utils import timezone
from django.views.debug import DEBUG_ENGINE, ExceptionReporter

from phone_referrals import signals
from phone_referrals import urls as api_urls
from phone_referrals.exceptions import InvalidPhoneNumber, PhoneReferralsError
from phone_referrals.models import PhoneVerification, Referral, ReferralCode, SmsUsage
from phone_referrals.pages import urls as page_urls
from phone_referrals.phones import parse
from phone_referrals.profiles.sign_in import sign_in as sign_in_domain
from phone_referrals.referrals.codes import code_of
from phone_referrals.signin import policy
from phone_referrals.signin.backend import Proof
from phone_referrals.signin.verification import CodeSent, check_code, request_code
from phone_referrals.sms import BaseSmsBackend, SmsMessage
from phone_referrals.tokens import DRFTokenIssuer
from tests.codes import wrong

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def long_codes(settings):
    """Ten digits: six would by chance be found in times and addresses."""
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    settings.DEBUG = False


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


def ask(client, phone):
    return client.post("/api/users/get_verify_code/", {"phone_number": phone}, "application/json")


def enter(client, phone, code, **data):
    return client.post("/api/users/auth/", {"phone_number": phone, "code": code, **data}, "application/json")


def assert_secret(text, *secrets):
    """None of the numbers is in the text, in any spelling: E.164, national, with spaces, dots, dashes, brackets."""
    squeezed = re.sub(r"[\s().\-\u2010-\u2015\u00a0+]|%20|%2B|&nbsp;", "", text)
    for secret in secrets:
        # Without the calling code of the United States, as it would be typed there.
        digits = re.sub(r"\D", "", secret).removeprefix("1")
        assert len(digits) >= 9
        assert digits not in squeezed, squeezed[max(squeezed.index(digits) - 200, 0) :][:300]


def test_the_search_finds_any_spelling(phone):
    national = phone.removeprefix("+1")
    for spelling in (
        phone,
        f"1{national}",
        national,
        f"({national[:3]}) {national[3:6]}-{national[6:]}",
        f"x.y+1.{national[:3]}.{national[3:]}",
        f"%2B1{national}",
    ):
        with pytest.raises(AssertionError):
            assert_secret(f"so {spelling} is found", phone)
    assert_secret("+1 *** *** **00 and 42", phone)


@pytest.fixture
def everything(caplog, capfd):
    """What is logged at any level, with all that a handler could write of it; warnings; what is printed."""

    @contextmanager
    def everything():
        output = []
        caplog.set_level(logging.DEBUG)
        loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
        before = [(logger, logger.level, logger.propagate) for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
            logger.propagate = True
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield output
        finally:
            for logger, level, propagate in before:
                logger.setLevel(level)
                logger.propagate = propagate
        output += [caplog.text, *capfd.readouterr(), *map(str, caught)]
        # A handler that writes JSON writes the arguments and the extras of a record.
        output += [repr({**vars(record), "created": 0}) for record in caplog.records]

    return everything


class TalkativeGateway(BaseSmsBackend):
    def send(self, message):
        raise ConnectionError(f"POST /sms?to={message.phone_number}&text={message.text}: 502 Bad Gateway")


def failing(**kwargs):
    raise RuntimeError("A receiver of the host has failed.")


@pytest.fixture
def failing_receivers():
    ours = [signals.code_sent, signals.phone_verified, signals.user_signed_up, signals.referral_redeemed]
    for signal in ours:
        signal.connect(failing)
    yield
    for signal in ours:
        signal.disconnect(failing)


@pytest.fixture
def failing_login():
    user_logged_in.connect(failing)
    yield
    user_logged_in.disconnect(failing)


@pytest.mark.django_db(transaction=True)
def test_the_flow_says_no_number_and_no_code_to_the_log(
    client, phone, other_phone, last_code, everything, failing_receivers, settings, monkeypatch
):
    codes = []
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 6)
    gateway = settings.PHONE_REFERRALS_SMS_BACKEND
    with time_machine.travel(timezone.now()) as clock, everything() as output:
        # Sign up, invite, be invited, log out.
        for number in (phone, other_phone):
            assert ask(client, number).status_code == 200
            assert ask(client, number).status_code == 429
            codes.append(last_code(number))
            assert enter(client, number, wrong(codes[-1])).status_code == 400
            answer = enter(client, f"{number[:5]} {number[5:]}", codes[-1], referral_code="UUUUUU")
            assert answer.status_code == 201
        headers = {"authorization": f"Token {answer.json()['token']}"}
        owner = get_user_model().objects.get(phone_number=phone)
        data = {"referral_code": code_of(owner).code}
        assert client.post("/api/referrals/referral_code/", data, headers=headers).status_code == 201
        assert client.post("/api/referrals/referral_code/", data, headers=headers).status_code == 409
        for path in ("users/", "users/me/", f"users/{owner.pk}/", "users/0/", "referrals/", "users/?cursor=x"):
            client.get(f"/api/{path}", headers=headers)
        assert client.post("/api/users/logout/", headers=headers).status_code == 204
        assert client.get("/api/users/me/", headers=headers).status_code == 401

        # Refusals: a disabled account, wrong codes until the phone is locked, bad input.
        get_user_model().objects.filter(phone_number=phone).update(is_active=False)
        clock.shift(3600)
        ask(client, phone)
        codes.append(last_code(phone))
        assert enter(client, phone, codes[-1]).status_code == 403
        clock.shift(3600)
        ask(client, other_phone)
        codes.append(last_code(other_phone))
        for _ in range(6):
            enter(client, other_phone, wrong(codes[-1]))
        clock.shift(3600)
        ask(client, other_phone)
        codes.append(last_code(other_phone))
        enter(client, other_phone, wrong(codes[-1]))
        assert enter(client, other_phone, codes[-1]).status_code == 403
        enter(client, f"{phone}\0", codes[-1])
        enter(client, phone, f"{codes[-1]} {codes[-1]}")
        client.post("/api/users/auth/", f'{{"phone_number": "{phone}", "code": "{codes[-1]}"', "application/json")
        client.post("/api/users/auth/", f"{phone} {codes[-1]}", "text/plain")
        client.get("/api/users/auth/", {"phone_number": "x"})

        # A gateway that quotes what it was given.
        PhoneVerification.objects.all().clear()
        settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.TalkativeGateway"
        assert ask(client, phone).status_code == 503
        settings.PHONE_REFERRALS_SMS_BACKEND = gateway
    assert any("SMS not delivered: ConnectionError" in text for text in output)
    assert any("A receiver of the host has failed." in text for text in output)
    assert any("Too Many Requests" in text for text in output)
    assert_secret("\n".join(output), phone, other_phone, *codes)


def broken_row(*args, **kwargs):
    raise RuntimeError("The database has gone away.")


def test_a_talkative_gateway_is_not_quoted_by_a_later_error(client, phone, everything, settings, monkeypatch):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.TalkativeGateway"
    monkeypatch.setattr("phone_referrals.signin.verification.give_back", broken_row)
    with everything() as output, reports() as reported:
        assert ask(client, phone).status_code == 500
    assert "The database has gone away." in "\n".join(output)
    assert_secret("\n".join([*output, *reported]), phone)
    assert "Your code" not in "\n".join([*output, *reported])


# Django compiles the templates of a report for each.
compiled = cache(DEBUG_ENGINE.from_string)


@contextmanager
def reports(places=None):
    """Collect Django's reports of errors, as mailed to ADMINS: as text, and with the variables of every frame.

    They are slow to write. With a set of `places` a request that fails along the same lines as one before it is not
    reported again.
    """
    written = []

    def write(sender, request=None, **kwargs):
        kind, error, trace = sys.exc_info()
        if places is not None:
            place = (request.method, *((frame.f_code, line) for frame, line in walk_tb(trace)))
            if place in places:
                written.append(kind.__name__)
                return
            places.add(place)
        report = ExceptionReporter(request, kind, error, trace)
        written.extend([report.get_traceback_text(), report.get_traceback_html()])

    got_request_exception.connect(write)
    try:
        with patch.object(DEBUG_ENGINE, "from_string", compiled):
            yield written
    finally:
        got_request_exception.disconnect(write)


CRASHES_OF_ENTERING = [
    "phone_referrals.signin.policy.on_guess",
    "phone_referrals.signin.codes.derive",
    "phone_referrals.signin.models.PhoneVerificationQuerySet.write",
    "phone_referrals.accounts.PhoneAccounts.find",
    "phone_referrals.accounts.PhoneAccounts.create",
    "tests.hosts.phone_first.models.User.save",
    "phone_referrals.tokens.DRFTokenIssuer.issue",
    "phone_referrals.profiles.sign_in.redeem_first",
    "phone_referrals.signin.serializers.UserSerializer.get_phone_number",
    "phone_referrals.phones.parse",
]


def crash(*args, **kwargs):
    raise RuntimeError("crash")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("place", CRASHES_OF_ENTERING)
def test_a_crash_while_a_code_is_entered_tells_no_secret(
    client, phone, send_code, everything, monkeypatch, place, content_type
):
    code = send_code(phone)
    monkeypatch.setattr(place, crash)
    data = {"phone_number": f"{phone[:5]} {phone[5:]}", "code": code, "referral_code": "ABCDEF"}
    body = data if content_type.endswith("json") else "&".join(f"{key}={value}" for key, value in data.items())
    body = body if isinstance(body, dict) else body.replace("+", "%2B")
    with everything() as output, reports() as reported:
        response = client.post("/api/users/auth/", body, content_type)
    assert response.status_code == 500
    assert reported
    assert all("RuntimeError" in text for text in reported)
    assert_secret("\n".join([*output, *reported]), phone, code)


CRASHES_OF_ASKING = [
    "phone_referrals.phones.parse",
    "phone_referrals.phones.region_of",
    "phone_referrals.signin.policy.on_request",
    "phone_referrals.signin.codes.derive",
    "phone_referrals.signin.codes.handles",
    "phone_referrals.statements.read",
    "phone_referrals.statements.insert",
    "phone_referrals.sms.render_to_string",
    "phone_referrals.signin.verification.CodeSent",
]


@pytest.mark.parametrize("place", CRASHES_OF_ASKING)
def test_a_crash_while_a_code_is_sent_tells_no_secret(client, phone, outbox, everything, monkeypatch, settings, place):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
    monkeypatch.setattr(place, crash)
    with everything() as output, reports() as reported:
        status = ask(client, f"{phone[:5]} {phone[5:]}").status_code
    # What fails while the message is written has failed to send it.
    assert status == (503 if place.endswith("render_to_string") else 500)
    assert bool(reported) == (status == 500)
    assert all("RuntimeError" in text for text in reported)
    codes = [re.search(r"#(\d+)$", message.text)[1] for message in outbox]
    assert_secret("\n".join([*output, *reported]), phone, *codes)


def test_a_receiver_that_ends_a_sign_in_tells_no_secret(client, phone, send_code, everything, failing_login):
    code = send_code(phone)
    with everything() as output, reports() as reported:
        assert enter(client, phone, code).status_code == 500
    assert "A receiver of the host has failed." in "\n".join(output)
    assert_secret("\n".join([*output, *reported]), phone, code)


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_fails_on_commit_tells_no_secret(
    client, phone, other_phone, send_code, everything, failing_receivers
):
    first, second = send_code(phone), send_code(other_phone)
    with everything() as output:
        assert enter(client, phone, first).status_code == 201
        answer = enter(client, other_phone, second, referral_code=code_of(get_user_model().objects.get()).code)
        assert answer.status_code == 201
        assert answer.json()["referral"]["redeemed"]
    assert_secret("\n".join(output), phone, other_phone, first, second)


CRASHES_OF_AN_ACCOUNT = {
    "phone_referrals.accounts.PhoneAccounts.phone_of": 500,
    "phone_referrals.signin.policy.on_guess": 500,
    "phone_referrals.accounts.PhoneAccounts.set_phone": 500,
    "phone_referrals.referrals.once.remember": 500,
    "phone_referrals.tokens.knox.KnoxTokenIssuer.revoke_others": 500,
    "phone_referrals.sms.render_to_string": 200,
    "phone_referrals.signin.change_phone.tell_of_change": 500,
}


@pytest.fixture
def recent_tokens(settings):
    """A kind of token that tells when it was signed in for: the old phone is not asked."""
    settings.PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.knox.KnoxTokenIssuer"


@pytest.mark.parametrize("path", ["phone/get_verify_code/", "get_verify_code/"])
def test_a_crash_while_an_account_asks_tells_no_secret(client, phone, other_phone, send_code, monkeypatch, path):
    headers = {"authorization": f"Token {enter(client, phone, send_code(phone)).json()['token']}"}
    monkeypatch.setattr("phone_referrals.signin.views.facts_of", crash)
    form = f"phone_number={other_phone.replace('+', '%2B')}&captcha_token=c4ptch4"
    with reports() as reported:
        response = client.post(f"/api/users/me/{path}", form, "application/x-www-form-urlencoded", headers=headers)
    assert response.status_code == 500
    assert all("RuntimeError" in text and "c4ptch4" not in text for text in reported)
    assert_secret("\n".join(reported), phone, other_phone)


@pytest.mark.parametrize(("place", "status"), CRASHES_OF_AN_ACCOUNT.items())
def test_a_crash_while_a_phone_is_changed_tells_no_secret(
    recent_tokens, client, phone, other_phone, send_code, last_code, everything, monkeypatch, place, status
):
    headers = {"authorization": f"Token {enter(client, phone, send_code(phone)).json()['token']}"}
    path, data = "/api/users/me/phone/", {"phone_number": other_phone}
    assert client.post(f"{path}get_verify_code/", data, "application/json", headers=headers).status_code == 200
    code = last_code(other_phone)
    monkeypatch.setattr(place, crash)
    with everything() as output, reports() as reported:
        response = client.post(path, {**data, "code": code}, "application/json", headers=headers)
    assert response.status_code == status
    assert bool(reported) == (status == 500)
    assert all("RuntimeError" in text for text in reported)
    assert_secret("\n".join([*output, *reported]), phone, other_phone, code)


@pytest.mark.django_db(transaction=True)
def test_a_change_and_a_deletion_say_no_number_and_no_code(
    recent_tokens, client, phone, other_phone, send_code, last_code, everything, settings
):
    def post(path, **data):
        return client.post(f"/api/users/me/{path}", data, "application/json", headers=headers)

    with everything() as output:
        headers = {"authorization": f"Token {enter(client, phone, send_code(phone)).json()['token']}"}
        post("phone/get_verify_code/", phone_number=other_phone)
        codes = [last_code(other_phone)]
        assert post("phone/", phone_number=other_phone, code=wrong(codes[0])).status_code == 400
        settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.TalkativeGateway"
        changed = post("phone/", phone_number=other_phone, code=codes[0])
        assert changed.status_code == 200
        settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
        post("get_verify_code/")
        codes.append(last_code(other_phone))
        assert post("delete/", code=wrong(codes[1])).status_code == 400
        assert post("delete/", code=codes[1]).status_code == 204
    assert any("SMS not delivered: ConnectionError" in text for text in output)
    assert_secret("\n".join(output), phone, other_phone, *codes)


def refuse_the_row_of_a_user(self, user, phone_number):
    raise IntegrityError(f"DETAIL: Failing row contains (1, {phone_number}).")


def test_a_database_that_refuses_another_phone_is_not_quoted(
    recent_tokens, client, phone, other_phone, send_code, last_code, everything, monkeypatch
):
    headers = {"authorization": f"Token {enter(client, phone, send_code(phone)).json()['token']}"}
    path, data = "/api/users/me/phone/", {"phone_number": other_phone}
    client.post(f"{path}get_verify_code/", data, "application/json", headers=headers)
    monkeypatch.setattr("phone_referrals.accounts.PhoneAccounts.set_phone", refuse_the_row_of_a_user)
    with everything() as output, reports() as reported:
        data["code"] = last_code(other_phone)
        assert client.post(path, data, "application/json", headers=headers).status_code == 500
    assert "ImproperlyConfigured" in "\n".join(output)
    assert_secret("\n".join([*output, *reported]), phone, other_phone)


def refuse_the_row(self, phone_number):
    # In the words of PostgreSQL.
    raise IntegrityError(f"DETAIL: Failing row contains (1, {phone_number}).")


def test_a_database_that_refuses_every_new_user_is_not_quoted(client, phone, send_code, everything, monkeypatch):
    code = send_code(phone)
    monkeypatch.setattr("phone_referrals.accounts.PhoneAccounts.create", refuse_the_row)
    with everything() as output, reports() as reported:
        assert enter(client, phone, code).status_code == 500
    assert "PHONE_REFERRALS_ACCOUNTS" in "\n".join(output)
    assert_secret("\n".join([*output, *reported]), phone, code)


@pytest.mark.parametrize("call", ["request", "check", "sign_in"])
def test_no_refusal_tells_number_or_code(phone, send_code, settings, call):
    code = send_code(phone)
    calls = {
        "request": lambda: request_code(phone_number=phone, host="example.com"),
        "check": lambda: check_code(phone_number=phone, code=wrong(code)),
        "sign_in": lambda: sign_in_domain(phone_number=phone, code=wrong(code)),
    }
    with pytest.raises(PhoneReferralsError) as refused:
        calls[call]()
    error = refused.value
    assert_secret(f"{error} {error!r} {error.args} {vars(error)}", phone, code)


def test_a_number_that_is_invalid_is_not_quoted(phone):
    with pytest.raises(InvalidPhoneNumber) as refused:
        parse(f"{phone}9999999")
    assert_secret(f"{refused.value!r} {vars(refused.value)}", f"{phone}9999999")


def test_a_failed_delivery_carries_no_word_of_the_gateway(phone, settings):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.TalkativeGateway"
    with pytest.raises(PhoneReferralsError) as refused:
        request_code(phone_number=phone, host="example.com")
    # What collects errors, as Sentry does, follows both.
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_values_and_rows_are_written_without_number_and_code(phone, other_phone, make_user, send_code):
    code = send_code(phone)
    user, other = make_user(0), make_user(1)
    verification = PhoneVerification.objects.get()
    referral_code = ReferralCode(user=user, code="ABCDEF")
    referral = Referral(referrer=user, referred=other, code="ABCDEF")
    signed_in = sign_in_domain(phone_number=phone, code=code)
    for each in (
        CodeSent(phone_number=phone, expires_in=1, resend_in=1, code=code, request_id=code),
        SmsMessage(phone_number=phone, text=f"Your code: {code}"),
        Proof(phone_number=phone, user=user),
        signed_in,
        user,
        other,
        verification,
        verification.state,
        referral_code,
        referral,
        DRFTokenIssuer(),
    ):
        assert_secret(f"{each} {each!r}", phone, other_phone, code)
    assert signed_in.token["token"] not in f"{signed_in!r}"


def test_the_row_and_the_signals_hold_no_code(phone, send_code):
    received = []

    def receive(**kwargs):
        received.append(repr(sorted(kwargs)) + repr(kwargs))

    every = [signals.code_sent, signals.phone_verified, signals.user_signed_up]
    for signal in every:
        signal.connect(receive)
    try:
        code = send_code(phone)
        stored = repr(list(PhoneVerification.objects.values()))
        sign_in_domain(phone_number=phone, code=code)
    finally:
        for signal in every:
            signal.disconnect(receive)
    assert len(received) >= 2
    assert_secret(stored + "".join(received), code)


def test_a_login_that_fails_tells_receivers_no_code(phone, send_code):
    received = []

    def receive(**kwargs):
        received.append(repr(kwargs))

    code = send_code(phone)
    user_login_failed.connect(receive)
    try:
        with pytest.raises(PhoneReferralsError):
            sign_in_domain(phone_number=phone, code=wrong(code))
    finally:
        user_login_failed.disconnect(receive)
    assert len(received) == 1
    assert_secret(received[0], wrong(code), code)


def test_the_admin_shows_no_whole_number_and_no_code(client, phone, other_phone, make_user, send_code):
    codes = [send_code(phone), send_code(other_phone)]
    owner = sign_in_domain(phone_number=phone, code=codes[0]).user
    code = code_of(owner)
    sign_in_domain(phone_number=other_phone, code=codes[1], referral_code=code.code)
    codes.append(send_code("+12015550102"))
    admin = make_user(99)
    admin.is_staff = admin.is_superuser = True
    admin.save()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    pages = []
    for model in (PhoneVerification, ReferralCode, Referral):
        path = f"/admin/phone_referrals/{model._meta.model_name}/"
        keys = model.objects.values_list("pk", flat=True)
        paths = [
            path,
            f"{path}?q={code.code}",
            *(f"{path}{key}/{page}/" for key in keys for page in ("change", "history")),
        ]
        for each in paths:
            response = client.get(each)
            assert response.status_code == 200, each
            pages.append(response.content.decode())
        pages += [client.get(f"{path}{key}/delete/").content.decode() for key in keys]
    assert_secret("\n".join(pages), phone, other_phone, "+12015550102", *codes)
    assert "**00" in "\n".join(pages)


def test_asking_does_not_tell_a_known_number_from_an_unknown(client, make_user):
    """The same keys, and the same statements with other values, on the first request and later."""
    make_user(10)
    ask(client, "+12015550130")  # The first message of a day to a region makes a row.
    for _ in range(2):
        answers = []
        for number in ("+12015550110", "+12015550120"):
            with CaptureQueriesContext(connection) as captured:
                answer = ask(client, number)
            assert answer.json().pop("phone_number") == number
            others = {**answer.json(), "phone_number": "", "request_id": ""}
            answers.append((answer.status_code, others, [shape(query["sql"]) for query in captured]))
        assert answers[0] == answers[1]
        assert answers[0][0] == 200
        PhoneVerification.objects.all().clear()


def shape(sql):
    """Return a statement without its values."""
    return re.sub(r"'(?:[^']|'')*'|\s*-?\b\d[\d.]*(?:e[+-]?\d+)?\b|\s*NULL", "?", sql)


def test_a_visitor_who_guesses_cannot_tell_either(client, make_user):
    make_user(10)
    for asked in (False, True):
        answers = []
        for number in ("+12015550110", "+12015550120"):
            if asked:
                ask(client, number)
            with CaptureQueriesContext(connection) as captured:
                answer = enter(client, number, "0" * 10)
            answers.append((answer.status_code, answer.json(), [shape(query["sql"]) for query in captured]))
        assert answers[0] == answers[1]


@pytest.mark.parametrize("path", ["get_verify_code/", "auth/"])
def test_an_answer_to_bad_input_does_not_repeat_it(client, phone, path):
    for accept in ("application/json", "text/html"):
        data = {"phone_number": f"{phone}9999", "code": "x1234567890"}
        response = client.post(f"/api/users/{path}", data, "application/json", headers={"accept": accept})
        assert response.status_code == 400
        assert_secret(response.content.decode(), f"{phone}9999", "1234567890")


# Reports of errors, for every address


def addresses_of_the_admin(user, code, redeemed):
    """Return the address of every page of ours in the admin, and the site's own search for `autocomplete_fields`."""
    rows = {
        get_user_model(): user.pk,
        ReferralCode: code.pk,
        Referral: redeemed.pk,
        PhoneVerification: PhoneVerification.objects.first().pk,
        SmsUsage: SmsUsage.objects.first().pk,
    }
    for model, key in rows.items():
        for pattern in site._registry[model].urls:
            if pattern.name:
                yield reverse(f"admin:{pattern.name}", args=[key] * len(pattern.pattern.converters))
    # On behalf of the owner of a code.
    options = {"app_label": "phone_referrals", "model_name": "referralcode", "field_name": "user"}
    yield f"{reverse('admin:autocomplete')}?{urlencode(options)}"


def addresses_of(urlpatterns, namespace, key):
    for pattern in urlpatterns:
        yield reverse(f"{namespace}:{pattern.name}", args=[key] * len(pattern.pattern.converters))


class FailAt:
    """Fails at the statement of this number, and counts the others."""

    def __init__(self, number, error=None):
        self.left, self.error = number, error or RuntimeError("crash")

    def __call__(self, execute, *args):
        self.left -= 1
        if self.left == -1:
            raise self.error
        return execute(*args)


@pytest.fixture
def somebody(settings, send_code, phone, other_phone):
    """Return a client that is staff, signed in by session and by token, and all addresses; numbers are all over."""
    settings.ROOT_URLCONF = f"{__name__}"
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    referrer = sign_in_domain(phone_number="+12015550102", code=send_code("+12015550102")).user
    code = code_of(referrer)
    signed_in = sign_in_domain(phone_number=phone, code=send_code(phone), referral_code=code.code)
    user = signed_in.user
    user.is_staff = user.is_superuser = True
    user.save()
    token = signed_in.token["token"]
    client = Client(raise_request_exception=False, headers={"authorization": f"Token {token}"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    client.addresses = [
        *addresses_of(api_urls.urlpatterns, "phone_referrals", user.pk),
        *addresses_of(page_urls.urlpatterns, "phone_referrals_pages", code.code),
        *addresses_of_the_admin(user, code, Referral.objects.get()),
    ]
    return client


urlpatterns = [
    path("admin/", site.urls),
    path("api/", include("phone_referrals.urls")),
    path("", include("phone_referrals.pages.urls")),
]


@pytest.mark.slow
@pytest.mark.parametrize("part", ["/api/", "/admin/", "/"])
def test_no_report_shows_a_number_at_any_address(somebody, phone, other_phone, send_code, settings, part):
    """Statements fail, early and late, so that the frames are those of all that a view calls."""
    settings.PHONE_REFERRALS_RESEND_WAIT = (0, 0)
    settings.PHONE_REFERRALS_MESSAGES_PER_DAY = 1000
    code = send_code(other_phone)
    sent = {"phone_number": other_phone, "code": code, "current_code": code, "referral_code": other_phone}
    sent |= {"q": other_phone, "user": other_phone, "captcha_token": other_phone, "post": "yes", "is_active": "on"}
    where = {"q": other_phone, "term": other_phone, "cursor": other_phone}
    headers = {"referer": f"http://testserver/?{urlencode(where)}"}
    places = set()
    ours = [
        each
        for each in somebody.addresses
        if each.startswith(part) and (part != "/" or not each.startswith(("/api/", "/admin/")))
    ]
    for address in ours:
        query = f"{'&' if '?' in address else '?'}{urlencode(where)}"
        for method in ("get", "post"):
            # The search for `autocomplete_fields` is the site's own, and looks for who asks before it asks us.
            for number in (2, 3) if "autocomplete" in address else (0, 1, 2, 3, 5, 8, 13, 21, 34):
                point = getattr(transaction, "savepoint_create", transaction.savepoint)()
                with reports(places) as reported, connection.execute_wrapper(FailAt(number)):
                    data = sent if method == "post" else {}
                    environ = {"RAW_URI": address + query}
                    answer = getattr(somebody, method)(address + query, data, headers=headers, **environ)
                    getattr(answer, "streaming", False) and list(answer.streaming_content)
                transaction.set_rollback(False)
                transaction.savepoint_rollback(point)
                assert bool(reported) == (answer.status_code == 500), (address, method, number)
                assert all("RuntimeError" in text for text in reported)
                assert_secret("\n".join(reported), phone, other_phone, code)
                if answer.status_code != 500:
                    break


@pytest.mark.parametrize("address", ["/api/users/me/", "/", "/admin/phone_first/user/{pk}/change/"])
@pytest.mark.parametrize("kind", [IntegrityError, DataError])
def test_a_database_that_quotes_a_row_is_quoted_nowhere(
    somebody, phone, other_phone, everything, settings, address, kind
):
    error = kind(f"DETAIL: Key (phone_number)=({other_phone}) already exists.")
    address = address.format(pk=get_user_model().objects.get(phone_number=phone).pk)
    with everything() as output, reports() as reported, connection.execute_wrapper(FailAt(2, error)):
        referer = f"http://testserver/?q={other_phone}"
        assert somebody.get(address, headers={"referer": referer}).status_code == 500
    assert reported
    assert all(kind.__name__ in text for text in reported)
    assert_secret("\n".join([*output, *reported]), other_phone)
    settings.DEBUG = True
    with connection.execute_wrapper(FailAt(2, error)):
        assert other_phone in somebody.get(address).content.decode()
