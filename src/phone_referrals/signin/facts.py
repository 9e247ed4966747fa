"""What the API and the pages read of an HTTP request that asks for a code."""

from typing import Any

from django.http.request import split_domain_port

from phone_referrals.throttling import client_address


def host_of(request: Any) -> str:
    """Return the domain that a request was sent to."""
    return split_domain_port(request.get_host())[0]


def facts_of(request: Any, data: Any) -> dict[str, Any]:
    """Return what `request_code` is told of a request beside the phone; `data` is its body, as it came."""
    return {"host": host_of(request), "address": client_address(request), "data": dict(data.items())}
