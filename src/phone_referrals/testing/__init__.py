"""For the tests of a site: read the code that a phone was sent, and sign a phone in.

With pytest, `pytest_plugins = ["phone_referrals.testing.fixtures"]` in the top `conftest.py` makes fixtures of them.
"""

import json
from itertools import count
from typing import Any

from phone_referrals import phones
from phone_referrals.routing import address_of
from phone_referrals.signin.codes import Purpose, derive
from phone_referrals.signin.models import PhoneVerification

_addresses = count(1)


def last_code(phone_number: str, purpose: str = Purpose.SIGN_IN) -> str:
    """Return the code that a phone was sent last, by whatever back end; raises `LookupError` where none is live."""
    phone_number = phones.parse(phone_number)
    serial = PhoneVerification.objects.read(phone_number, purpose).serial
    if serial is None:
        msg = f"No code for {purpose!r} waits to be entered for {phones.mask(phone_number)}."
        raise LookupError(msg)
    return derive(phone_number=phone_number, purpose=purpose, serial=serial)[0]


def sign_in(client: Any, phone_number: str, **data: Any) -> dict[str, Any]:
    """Sign a phone in through the API, as its owner does; return the answer.

    `client` is Django's test client or REST framework's, and sends its token from now on. `data` goes with the code:
    `referral_code="…"`. Every call comes from an address of its own, so that no limit per address is met.
    """
    options = {"content_type": "application/json", "REMOTE_ADDR": f"fd00:0:{next(_addresses):x}::1"}
    body = json.dumps({"phone_number": phone_number})
    asked = client.post(address_of(None, "phone_referrals:get_verify_code"), body, **options)
    assert asked.status_code == 200, asked.content[:500]  # noqa: S101 - it is for tests
    answer: dict[str, Any] = {"code": last_code(phone_number), "request_id": asked.json()["request_id"]}
    body = json.dumps({"phone_number": phone_number, **answer, **data})
    answered = client.post(address_of(None, "phone_referrals:auth"), body, **options)
    assert answered.status_code in {200, 201}, answered.content[:500]  # noqa: S101
    answer = answered.json()
    if answer["token"]:
        client.defaults["HTTP_AUTHORIZATION"] = f"{answer['token_type']} {answer['token']}"
    return answer
