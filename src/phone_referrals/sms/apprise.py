"""Sends by any gateway that Apprise knows: Twilio, Vonage, Plivo and some fifty more (extra `apprise`)."""

import logging
import re
from threading import Thread
from urllib.parse import quote

import apprise

from phone_referrals.conf import conf
from phone_referrals.sms.base import BaseSmsBackend, SmsMessage

TIME = 8  # Seconds. A visitor does not wait longer, and neither should the process that answers.


class NotSent(Exception):
    """Apprise says no more than this. Its logger says why."""


class SmsBackend(BaseSmsBackend):
    """Hands a message to the gateway of `PHONE_REFERRALS_APPRISE_URL`.

    Apprise does not tell a refusal from a time-out, so either counts for the day: the message may have been sent.
    It waits 4 seconds to connect and 4 for each read, unless the URL says `cto=` and `rto=`, and `TIME` seconds in all.
    """

    def send(self, message: SmsMessage) -> None:
        gateway = apprise.Apprise.instantiate(conf.apprise_url.replace("{phone_number}", quote(message.phone_number)))
        if gateway is None:
            raise NotSent
        sent: list[bool] = []
        # A server that answers byte by byte never makes a read time out. Its thread is left to end by itself.
        thread = Thread(target=lambda: sent.append(gateway.notify(body=message.text)), daemon=True)
        thread.start()
        thread.join(TIME)
        if sent != [True]:
            raise NotSent


class _HideDigits(logging.Filter):
    """Keeps phone numbers and codes out of Apprise's logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = re.sub(r"\d{4,}", "***", record.getMessage())
        record.args = ()
        return True


logging.getLogger("apprise").addFilter(_HideDigits())
