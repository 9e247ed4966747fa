"""The site that is visited: gunicorn, PostgreSQL, a gateway that keeps what it is sent, and people who use the API."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from ci.running.gateway import Gateway
from ci.running.site import Client, fictional_phones, running_site


class BrowsedSite:
    def __init__(self, site, postgres, gateway):
        self.url, self.log, self.address = site.url, site.log, site.address
        self.gateway = gateway
        self.database = postgres.url
        # Their last digits are what others see of them. The page for a number shows 555-0123 as an example.
        phones = (f"{phone[:-2]}{37 * number % 100:02}" for number, phone in enumerate(fictional_phones()))
        self.phones = (phone for phone in phones if not phone.endswith("23"))

    def new_phone(self):
        return next(self.phones)

    def sql(self, statement, *values):
        """Run a statement; return its rows, if it has any."""
        with psycopg.connect(self.database) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def messages_to(self, phone):
        return self.gateway.messages[phone]

    def code_sent_to(self, phone):
        """Read the code in the last message to a phone, as its owner does."""
        return self.gateway.texts[phone].rpartition("#")[2]

    def expire_session(self, key):
        self.sql("UPDATE django_session SET expire_date = now() - interval '1 day' WHERE session_key = %s", key)

    def let_resend(self, phone):
        """As if the wait for another message were over."""
        self.sql("UPDATE phone_referrals_phoneverification SET resend_at = NULL WHERE phone_number = %s", phone)

    def sign_up(self, phone, invited_by=""):
        """Sign a phone up through the API; return its referral code."""
        client = Client(self.address)
        client.post("/api/users/get_verify_code/", {"phone_number": phone})
        data = {"phone_number": phone, "code": self.code_sent_to(phone), "referral_code": invited_by}
        _status, answer = client.post("/api/users/auth/", data)
        assert "token" in answer, json.dumps(answer)
        _status, me = client.get("/api/users/me/", answer["token"])
        client.close()
        return me["referral_code"]

    def sign_up_network(self, *shape):
        """Sign up somebody who invites `shape[0]` people, who invite `shape[1]` each; return the first one's phone."""
        first = self.new_phone()
        codes = [self.sign_up(first)]
        with ThreadPoolExecutor(4) as pool:
            for each in shape:
                inviters = [code for code in codes for _ in range(each)]
                codes = list(pool.map(self.sign_up, [self.new_phone() for _ in inviters], inviters))
        return first


@contextmanager
def browsed_site(**environment):
    gateway = Gateway()
    environment = {"GATEWAY": gateway.url, **environment}
    try:
        with running_site(**environment) as (site, postgres):
            yield BrowsedSite(site, postgres, gateway)
    finally:
        gateway.shutdown()
        gateway.server_close()
