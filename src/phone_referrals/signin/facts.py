"""What the API and the pages read of an HTTP request that asks for a code."""

from typing import Any

from django.core.exceptions import DisallowedHost
from django.http.request import split_domain_port

from phone_referrals.throttling import client_address

MAX_HOST = 253  # RFC 1035, 2.3.4, as text.


def host_of(request: Any) -> str:
    """Return the domain that a request was sent to; raises `DisallowedHost`, which is answered with 400.

    A wildcard in `ALLOWED_HOSTS` lets anybody name a host that is longer than any domain. It would be in a message that
    the site pays for by length, and in a row of the queue that has no room for it.
    """
    host = split_domain_port(request.get_host())[0]
    if len(host) > MAX_HOST:
        raise DisallowedHost("A host that is longer than any domain.")
    return host


def facts_of(request: Any, data: Any) -> dict[str, Any]:
    """Return what `request_code` is told of a request beside the phone; `data` is its body, as it came."""
    return {"host": host_of(request), "address": client_address(request), "data": dict(data.items())}
