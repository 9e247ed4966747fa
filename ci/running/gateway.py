"""An SMS gateway on this machine that fails on demand, and the backend that speaks to it."""

import json
import os
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import urlopen

from phone_referrals.sms import BaseSmsBackend, DeliveryFailed

TIMEOUT = 3


class SmsBackend(BaseSmsBackend):
    """As a host would write it: a refusal is `DeliveryFailed`, and whatever else goes wrong is raised as it is."""

    def send(self, message):
        body = json.dumps({"to": message.phone_number, "text": message.text}).encode()
        try:
            with urlopen(os.environ["GATEWAY"], data=body, timeout=TIMEOUT) as response:  # noqa: S310 - our own
                status = json.loads(response.read())["status"]
        except HTTPError as error:
            raise DeliveryFailed from error
        if status != "queued":
            raise DeliveryFailed


class Gateway(ThreadingHTTPServer):
    """Answers as `mode` says, counts the messages that reached a phone, and keeps the last one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.mode = "works"
        self.delay = 0  # seconds, before and after it takes a message
        self.messages = Counter()
        self.texts = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://{}:{}/".format(*self.server_address)

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up on a gateway that hangs."""


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self):
        mode = self.server.mode
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.delay)
        if mode != "raises":
            with self.server.lock:
                self.server.messages[message["to"]] += 1
                self.server.texts[message["to"]] = message["text"]
        if mode == "hangs":
            time.sleep(2 * TIMEOUT)
        time.sleep(self.server.delay)
        self.send_response(500 if mode == "raises" else 200)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"\0<html>\xff" if mode == "garbage" else b'{"status": "queued"}')

    def log_message(self, *arguments):
        pass
