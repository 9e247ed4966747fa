import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from phone_referrals.exceptions import CaptchaFailed, CaptchaUnavailable, SignInError
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.guards import MAX_ANSWER, SendRequest, SiteVerify
from phone_referrals.signin.verification import request_code

SECRET = "the-secret-of-the-site"
TOKEN = "the-token-of-the-visitor"


class Endpoint(ThreadingHTTPServer):
    """A siteverify endpoint that answers as `play` does, and keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/siteverify"
        self.asked = []
        self.released = threading.Event()
        self.play = says(b'{"success": true}')

    def handle_error(self, request, client_address):
        """A client that has hung up is what some of these tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(body, keep_blank_values=True))
        self.server.play(self)

    def log_message(self, *args):
        pass


def says(body, *, status=200):
    def play(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", len(body))
        handler.end_headers()
        handler.wfile.write(body)

    return play


def sends(raw):
    """Send `raw` as it is, HTTP or not, and hang up."""
    return lambda handler: handler.wfile.write(raw)


def hangs(handler):
    handler.server.released.wait(30)


def hangs_halfway(handler):
    handler.wfile.write(b'HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"success": ')
    hangs(handler)


REFUSALS = {
    "no": b'{"success": false, "error-codes": ["invalid-input-response"]}',
    "an empty object": b"{}",
    "a text": b'{"success": "true"}',
    "a number": b'{"success": 1}',
    "null": b'{"success": null}',
    "a list": b'{"success": [true]}',
    "another case": b'{"Success": true}',
}
FAILURES = {
    "500": says(b'{"success": true}', status=500),
    "404": says(b'{"success": true}', status=404),
    "a redirect to nowhere": sends(b"HTTP/1.0 302 Found\r\nLocation: /elsewhere\r\n\r\n"),
    "a time-out": hangs,
    "a time-out halfway": hangs_halfway,
    "no JSON": says(b"<html>It works!</html>"),
    "nothing": says(b""),
    "no text": says(b'\xff{"success": true}'),
    "half of it": says(b'{"success": tr'),
    "too much": says(b'{"success": true, "padding": "' + b" " * MAX_ANSWER + b'"}'),
    "far too much": says(b'{"success": true, "padding": "' + b" " * 5_000_000 + b'"}'),
    "too deep": says(b"[" * MAX_ANSWER),
    "a long number": says(b"9" * 10_000),
    "an array": says(b'["success"]'),
    "a text": says(b'"success"'),
    "null": says(b"null"),
    "true": says(b"true"),
    "a closed connection": sends(b""),
    "no HTTP": sends(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a bad status": sends(b"HTTP/1.0 yes OK\r\n\r\n"),
    "an endless header": sends(b"HTTP/1.0 200 OK\r\nX: " + b"x" * 100_000),
    "a short chunk": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}"),
}


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Endpoint() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield endpoint
        endpoint.released.set()
        endpoint.shutdown()
        thread.join()


@pytest.fixture
def captcha(endpoint):
    return SiteVerify(url=endpoint.url, secret=SECRET, timeout=20)


@pytest.fixture
def asking(settings, monkeypatch, captcha):
    """Have codes sent only to who passes the captcha; return a function that asks for one."""
    monkeypatch.setattr(sys.modules[__name__], "site_captcha", captcha, raising=False)
    settings.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.site_captcha"]
    data = {"captcha_token": TOKEN}
    return lambda phone: request_code(phone_number=phone, host="example.com", address="192.0.2.1", data=data)


FORMATS = [
    "json",
    "multipart",
]


def a_request(address="192.0.2.1", purpose="sign_in", **data):
    return SendRequest(phone_number="+12015550100", purpose=purpose, address=address, data=data)


def nothing_was_done(outbox):
    return not (outbox or PhoneVerification.objects.exists() or SmsUsage.objects.exists())


def test_a_token_that_the_endpoint_accepts_passes(captcha, endpoint):
    captcha(a_request(captcha_token=TOKEN))
    assert endpoint.asked == [{"secret": [SECRET], "response": [TOKEN], "remoteip": ["192.0.2.1"]}]


@pytest.mark.parametrize("answer", REFUSALS)
def test_every_answer_but_true_is_a_refusal(captcha, endpoint, answer):
    endpoint.play = says(REFUSALS[answer])
    with pytest.raises(CaptchaFailed):
        captcha(a_request(captcha_token=TOKEN))


@pytest.mark.parametrize("failure", FAILURES)
def test_an_endpoint_that_says_nothing_of_use_is_unavailable(endpoint, failure):
    endpoint.play = FAILURES[failure]
    captcha = SiteVerify(url=endpoint.url, secret=SECRET, timeout=0.3 if "time-out" in failure else 20)
    with pytest.raises(CaptchaUnavailable):
        captcha(a_request(captcha_token=TOKEN))


def test_an_endpoint_where_nobody_listens_is_unavailable(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Endpoint() as closed:
        captcha = SiteVerify(url=closed.url, secret=SECRET)
    with pytest.raises(CaptchaUnavailable):
        captcha(a_request(captcha_token=TOKEN))


@pytest.mark.parametrize(
    "data",
    [{}, *({"captcha_token": token} for token in ("", None, [], [TOKEN], {"token": TOKEN}, 5, True)), {"token": TOKEN}],
)
def test_no_token_is_refused_without_asking_the_endpoint(captcha, endpoint, data):
    with pytest.raises(CaptchaFailed):
        captcha(a_request(**data))
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("token", "asked"),
    [("a&secret=b", "a&secret=b"), ("\0", "\0"), ("ы\n", "ы\n"), ("\ud800", "?"), (" ", " "), ("x" * 9999, "x" * 9999)],
)
def test_any_text_is_asked_about_as_one_token(captcha, endpoint, token, asked):
    captcha(a_request(captcha_token=token))
    assert endpoint.asked[0]["response"] == [asked]
    assert endpoint.asked[0]["secret"] == [SECRET]


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_is_asked_about_once_for_each_call(captcha, endpoint, purpose):
    captcha(a_request(purpose=purpose, captcha_token=TOKEN))
    # A change of phone asks for two codes in one call, and endpoints accept a token once.
    assert len(endpoint.asked) == (purpose != Purpose.CONFIRM_CHANGE)


@pytest.mark.parametrize(("address", "passed_on"), [("", {}), ("2001:db8::1", {"remoteip": ["2001:db8::1"]})])
def test_the_visitors_address_is_passed_on_where_it_is_known(captcha, endpoint, address, passed_on):
    captcha(a_request(address, captcha_token=TOKEN))
    assert endpoint.asked == [{"secret": [SECRET], "response": [TOKEN], **passed_on}]


def test_the_host_names_the_field_of_the_token(endpoint):
    captcha = SiteVerify(url=endpoint.url, secret=SECRET, token_field="cf-turnstile-response")
    captcha(a_request(**{"cf-turnstile-response": TOKEN}))
    with pytest.raises(CaptchaFailed):
        captcha(a_request(captcha_token=TOKEN))


@pytest.mark.parametrize("play", [*FAILURES.values(), *map(says, REFUSALS.values())], ids=[*FAILURES, *REFUSALS])
def test_neither_secret_nor_token_is_ever_logged(endpoint, caplog, play):
    caplog.set_level(logging.DEBUG)
    endpoint.play = play
    captcha = SiteVerify(url=endpoint.url, secret=SECRET, timeout=0.3 if "hangs" in play.__name__ else 20)
    request = a_request(captcha_token=TOKEN)

    with pytest.raises(SignInError) as refusal:
        captcha(request)

    told = f"{caplog.text} {[vars(each) for each in caplog.records]} {refusal.value!r} {vars(refusal.value)}"
    assert SECRET not in told
    assert TOKEN not in told


def test_neither_secret_nor_token_nor_phone_is_in_a_repr(captcha):
    assert SECRET not in f"{captcha!r} {captcha}"
    request = a_request(captcha_token=TOKEN)
    assert TOKEN not in f"{request!r} {request}"
    assert request.phone_number not in repr(request)


def test_an_unavailable_endpoint_is_logged_as_an_error(captcha, endpoint, caplog):
    endpoint.play = FAILURES["500"]
    with pytest.raises(CaptchaUnavailable):
        captcha(a_request(captcha_token=TOKEN))
    assert caplog.messages == ["Captcha endpoint does not answer: HTTPError"]
    assert caplog.records[0].levelname == "ERROR"


@pytest.mark.django_db
def test_a_code_is_sent_to_who_passes(asking, outbox, phone):
    asking(phone)
    assert len(outbox) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("play", "error"), [(says(REFUSALS["no"]), CaptchaFailed), (FAILURES["500"], CaptchaUnavailable)]
)
def test_a_guard_refuses_before_anything_is_written(asking, endpoint, outbox, phone, play, error):
    answer = endpoint.play
    endpoint.play = play
    with pytest.raises(error):
        asking(phone)
    assert nothing_was_done(outbox)

    # So there is nothing to wait for either.
    endpoint.play = answer
    asking(phone)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("play", "status", "code"),
    [
        (says(REFUSALS["no"]), 400, "captcha_failed"),
        (FAILURES["500"], 503, "captcha_unavailable"),
        (FAILURES["no HTTP"], 503, "captcha_unavailable"),
    ],
)
@pytest.mark.parametrize("encoding", FORMATS)
def test_the_api_says_what_became_of_the_captcha(asking, endpoint, api, outbox, phone, play, status, code, encoding):
    endpoint.play = play
    data = {"phone_number": phone, "captcha_token": TOKEN}

    answer = api.post("/api/users/get_verify_code/", data, format=encoding)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().keys() == {"detail", "code"}
    assert endpoint.asked == [{"secret": [SECRET], "response": [TOKEN], "remoteip": ["127.0.0.1"]}]
    assert nothing_was_done(outbox)


class NotOurApp(SignInError):
    code = "not_our_app"
    status_code = 403
    default_message = "Use our app."


SEEN = []


def only_our_app(request):
    SEEN.append(request)
    if request.data.get("app") != "ours":
        raise NotOurApp


def never_asked(request):
    raise AssertionError


@pytest.fixture
def own_guard(settings):
    SEEN.clear()
    settings.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.only_our_app"]
    return settings


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", FORMATS)
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_hosts_own_guard_sees_the_facts(own_guard, api, outbox, phone, encoding, address):
    data = {"phone_number": "+1 (201) 555-0100", "app": "ours", "device": "x"}

    answer = api.post("/api/users/get_verify_code/", data, format=encoding, REMOTE_ADDR=address)

    assert answer.status_code == 200
    assert len(outbox) == 1
    [seen] = SEEN
    assert seen == SendRequest(phone_number=phone, purpose="sign_in", address=address, data=data)


@pytest.mark.django_db
def test_a_hosts_own_guard_refuses_in_its_own_words(own_guard, api, outbox, phone):
    answer = api.post("/api/users/get_verify_code/", {"phone_number": phone}, format="json")

    assert answer.status_code == 403
    assert answer.json() == {"detail": "Use our app.", "code": "not_our_app"}
    assert nothing_was_done(outbox)


@pytest.mark.django_db
def test_the_first_guard_that_refuses_is_the_last_one_asked(own_guard, phone):
    own_guard.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.only_our_app", f"{__name__}.never_asked"]
    with pytest.raises(NotOurApp):
        request_code(phone_number=phone, host="example.com")
    with pytest.raises(AssertionError):
        request_code(phone_number=phone, host="example.com", data={"app": "ours"})


@pytest.mark.django_db
def test_every_request_for_a_message_is_guarded(own_guard, phone):
    for _ in range(2):
        with pytest.raises(NotOurApp):
            request_code(phone_number=phone, host="example.com")
    assert len(SEEN) == 2


# A ceiling that is near


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("limits", "used", "share"),
    [
        ({}, {}, 0),
        ({}, {"US": 250}, 0.5),
        ({"US": 10}, {"US": 8}, 0.8),
        ({"US": 10}, {"US": 12}, 1),
        ({"US": 0}, {}, 1),
        ({"US": None}, {"US": 9000}, 0),
        ({"US": 10, "total": 20}, {"US": 1, "": 18}, 0.9),
        ({"US": 10, "total": 20}, {"US": 9, "": 10}, 0.9),
        ({"US": 10}, {"CA": 10}, 0),
    ],
)
def test_a_guard_learns_how_much_of_the_ceiling_is_used(
    settings, phone, django_assert_num_queries, limits, used, share
):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = limits
    today = datetime.now(UTC).date()
    for region, segments in used.items():
        SmsUsage.objects.create(day=today, region=region, segments=segments)
        SmsUsage.objects.create(day=today - timedelta(days=1), region=region, segments=1000)
    request = SendRequest(phone_number=phone, purpose="sign_in")
    with django_assert_num_queries(1):
        assert [request.ceiling_used, request.ceiling_used] == [share, share]


@pytest.mark.django_db
def test_slots_of_a_ceiling_are_added_up(phone):
    for slot in range(3):
        SmsUsage.objects.create(day=datetime.now(UTC).date(), region="US", slot=slot, segments=100)
    assert SendRequest(phone_number=phone, purpose="sign_in").ceiling_used == 0.6


@pytest.mark.django_db
@pytest.mark.parametrize(("above", "sent"), [(0, 0), (0.8, 9), (1, 10)])
def test_a_captcha_may_be_asked_for_once_a_ceiling_is_near(settings, monkeypatch, outbox, above, sent):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 10}
    monkeypatch.setattr(f"{__name__}.near", SiteVerify(url="http://127.0.0.1:9", secret="", above=above))
    settings.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.near"]
    for number in range(100, 110):
        with suppress(CaptchaFailed):
            request_code(phone_number=f"+12015550{number}", host="example.com")
    assert len(outbox) == sent


near = None


@pytest.mark.django_db
def test_a_captcha_that_is_always_asked_for_counts_nothing(phone, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(CaptchaFailed):
        SiteVerify(url="", secret="")(SendRequest(phone_number=phone, purpose="sign_in"))
