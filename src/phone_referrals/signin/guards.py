"""Checks before a code is sent: whether the number is served, then `PHONE_REFERRALS_SEND_GUARDS`."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from phone_referrals import phones
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    CaptchaFailed,
    CaptchaUnavailable,
    LandlineNotAllowed,
    PhoneNotAllowed,
    RegionNotServed,
    ServiceNumberNotAllowed,
)
from phone_referrals.signin import usage
from phone_referrals.signin.codes import Purpose

logger = logging.getLogger("phone_referrals")

MAX_ANSWER = 64 * 1024
REFUSALS: dict[str, type[PhoneNotAllowed]] = {
    "fixed_line": LandlineNotAllowed,
    **dict.fromkeys(("premium_rate", "shared_cost", "toll_free", "uan"), ServiceNumberNotAllowed),
}


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """The facts of a request for a code. `data` is the body that the client sent, unread.

    A change of phone may ask for two: for the new phone, then, with the purpose `confirm_change`, for the old one.
    """

    phone_number: str = field(repr=False)
    purpose: str
    address: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def ceiling_used(self) -> float:
        """How much of today's ceiling of messages is used, 0 to 1. Takes one statement, when it is first asked for."""
        return usage.ceiling_used(self.phone_number)


def require_allowed(phone_number: str) -> None:
    """Raise `RegionNotServed`, or the `PhoneNotAllowed` of a type that is sent no messages.

    The number alone decides, so nobody learns from it which numbers have users.
    """
    regions = conf.allowed_regions
    if not regions:
        _log_that_nobody_is_served()
    if regions != "*" and phones.region_of(phone_number) not in regions:
        raise RegionNotServed
    number_type = phones.type_of(phone_number)
    if number_type not in conf.number_types:
        refusal = REFUSALS.get(number_type, PhoneNotAllowed)
        missing = phones.what_is_missing(phone_number)
        raise refusal(f"{refusal.default_message} {missing}" if missing else None)


@cache
def _log_that_nobody_is_served() -> None:
    """Tell the site, once in each process, why every visitor is refused."""
    logger.error("PHONE_REFERRALS_ALLOWED_REGIONS names no region, so no phone is served.")


@dataclass(frozen=True, kw_only=True)
class SiteVerify:
    """Asks a siteverify endpoint about a captcha token: Turnstile, hCaptcha and reCAPTCHA share this protocol.

    A guard is named by a dotted path, so a host makes one (`captcha = SiteVerify(url=…, secret=…)`) and names it.
    `token_field` is where the client puts the token; `timeout` is in seconds, for each read. With `above=0.8` a token
    is required only while more than four fifths of the day's ceiling of messages are used. Raises `CaptchaFailed`
    where the endpoint says no, and `CaptchaUnavailable` where it does not answer: no code is sent, because an attacker
    could silence it.
    """

    url: str
    secret: str = field(repr=False)
    token_field: str = "captcha_token"  # noqa: S105 - the name of a field
    timeout: float = 5
    above: float = 0

    def __call__(self, request: SendRequest) -> None:
        if request.purpose == Purpose.CONFIRM_CHANGE:
            return  # The same call has asked for a code for the new phone, and a token is good for one question.
        if self.above and request.ceiling_used <= self.above:
            return
        token = request.data.get(self.token_field)
        if not isinstance(token, str) or not token:
            raise CaptchaFailed
        if self.ask(token, request.address).get("success") is not True:
            raise CaptchaFailed

    def ask(self, token: str, address: str) -> dict[str, Any]:
        """Return the endpoint's answer; raises `CaptchaUnavailable`."""
        remote = {"remoteip": address} if address else {}
        # JSON may hold halves of surrogate pairs, which no encoding takes.
        body = urlencode({"secret": self.secret, "response": token, **remote}, errors="replace").encode()
        try:
            with urlopen(Request(self.url, data=body), timeout=self.timeout) as response:  # noqa: S310 - the host's url
                answer = json.loads(response.read(MAX_ANSWER))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            if isinstance(error, HTTPError):
                error.close()  # It is an answer too, on an open connection.
            logger.error("Captcha endpoint does not answer: %s", type(error).__qualname__)  # noqa: TRY400
            raise CaptchaUnavailable from None
        if not isinstance(answer, dict):
            raise CaptchaUnavailable
        return answer
