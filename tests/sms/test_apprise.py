import json
import logging
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from phone_referrals.exceptions import DeliveryFailed
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin.verification import request_code
from phone_referrals.sms.apprise import NotSent, SmsBackend
from phone_referrals.sms.base import SmsMessage

TEXT = "Your code: 123456. Tell it to nobody.\n\n@example.com #123456"


class SmsEagle(BaseHTTPRequestHandler):
    """Plays an SMSEagle, a gateway that stands in one's own house."""

    status, wait, answer = 200, 0, {"result": {"message_id": "1", "status": "ok"}}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        time.sleep(self.server.wait)
        self.send_response(self.server.status)
        self.end_headers()
        for byte in json.dumps(self.answer).encode():
            self.wfile.write(bytes([byte]))
            time.sleep(self.server.drip)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False

    def handle_error(self, request, client_address):
        """A client that has hung up is what one of these tests is about."""


@pytest.fixture
def gateway(settings):
    server = Server(("127.0.0.1", 0), SmsEagle)
    server.requests, server.status, server.wait, server.drip = [], 200, 0, 0
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.apprise.SmsBackend"
    settings.PHONE_REFERRALS_APPRISE_URL = f"smseagle://s3cret@127.0.0.1:{server.server_port}/{{phone_number}}?rto=0.3"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def message(phone):
    return SmsMessage(phone_number=phone, text=TEXT)


def test_the_gateway_gets_number_and_text_as_they_are(gateway, message, phone):
    SmsBackend().send(message)
    (request,) = gateway.requests
    assert request["method"] == "sms.send_sms"
    assert request["params"]["to"] == phone
    assert request["params"]["message"] == TEXT
    assert request["params"]["access_token"] == "s3cret"


def test_a_refusal_is_no_success(gateway, message):
    gateway.status = 403
    with pytest.raises(NotSent):
        SmsBackend().send(message)


def test_a_gateway_that_does_not_answer_is_given_up(gateway, message):
    gateway.wait = 5
    start = time.monotonic()
    with pytest.raises(NotSent):
        SmsBackend().send(message)
    assert time.monotonic() - start < 4.5


def test_a_gateway_that_answers_byte_by_byte_is_given_up(gateway, message, monkeypatch):
    """No read times out, so that a worker would be held for as long as the gateway likes."""
    monkeypatch.setattr("phone_referrals.sms.apprise.TIME", 0.5)
    gateway.drip = 0.1
    start = time.monotonic()
    with pytest.raises(NotSent):
        SmsBackend().send(message)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("url", ["", "nonsense", "unknown://{phone_number}", "smseagle://"])
def test_a_url_that_apprise_does_not_know_is_no_success(settings, message, url):
    settings.PHONE_REFERRALS_APPRISE_URL = url
    with pytest.raises(NotSent):
        SmsBackend().send(message)


@pytest.mark.parametrize("status", [200, 500])
def test_neither_number_nor_code_is_logged(gateway, message, phone, caplog, status):
    gateway.status = status
    with caplog.at_level(logging.DEBUG, logger="apprise"), suppress(NotSent):
        SmsBackend().send(message)
    assert [record for record in caplog.records if record.name == "apprise"]
    assert phone[1:] not in caplog.text
    assert "123456" not in caplog.text


@pytest.mark.django_db
def test_an_unsent_message_is_told_and_may_be_asked_again(gateway, phone):
    gateway.status = 500
    with pytest.raises(DeliveryFailed):
        request_code(phone_number=phone, host="example.com")
    assert PhoneVerification.objects.get().resend_at is None
    assert SmsUsage.objects.get().failed == 1
    gateway.status = 200
    request_code(phone_number=phone, host="example.com")
    assert len(gateway.requests) == 2
