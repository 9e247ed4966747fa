"""Limits per client address: DRF throttles with rates in `DEFAULT_THROTTLE_RATES`, as for any other.

They limit one sender. The limits per phone, in `signin/policy.py`, bound an attacker with any number of addresses.
"""

import re
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle


def client_address(request: HttpRequest) -> str:
    """Return the address that a request came from, without a port.

    DRF's `NUM_PROXIES` says how many entries of `X-Forwarded-For` the site's proxies have written. Without it the
    header is ignored, because any client can send it.
    """
    meta = request.META
    address = meta.get("REMOTE_ADDR", "")
    forwarded = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = api_settings.NUM_PROXIES or 0
    if proxies and forwarded:
        # Some proxies also write the port: 192.0.2.1:567 or [2001:db8::1]:567. Each request would be another client.
        address = re.sub(r"^\[([^]]*)\](:\d+)?$|^([^:]*):\d+$", r"\1\3", forwarded[-min(proxies, len(forwarded))])
    try:
        parsed = ip_address(address)
    except ValueError:
        return str(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def network(address: str) -> str:
    """Return the network of an address, an IPv4 /24 or an IPv6 /48; empty if it is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((parsed.packed, 48 if isinstance(parsed, IPv6Address) else 24), strict=False))


def subscriber(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the IPv6 /64 that one subscriber has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed.packed, 64), strict=False) if isinstance(parsed, IPv6Address) else parsed)


class AddressThrottle(SimpleRateThrottle):
    """Counts the requests of one scope, by address and by network."""

    # The rate of a network, as a multiple of an address's. Hosters rent out whole blocks, so a sender may have many
    # addresses. But mobile carriers also put all subscribers behind a few blocks (NAT, RFC 6598). Ten addresses at full
    # rate pass: more than people who sign in use of a block, and a 25th of what its 256 addresses would have. A site
    # whose visitors all have one carrier raises the rate of the scope.
    network_factor = 10

    scope: str
    default_rate: str
    # DRF computes them from the rate, if there is one.
    num_requests: int
    duration: int

    def get_rate(self) -> Any:
        # Read late: DRF's own attribute is frozen when the class is created.
        return api_settings.DEFAULT_THROTTLE_RATES.get(self.scope, self.default_rate)

    def allow_request(self, request: Request, view: Any) -> bool:
        """Take one of as many places as the rate allows requests. Each is free again when its time is over.

        Not DRF's list of requests, which is read and written back: simultaneous requests overwrite each other's entries
        and count as one, so a burst passes many times the rate. `add` gives a place to only one of them.
        """
        if self.rate is None:
            return True
        key = self.get_cache_key(request, view)
        places = [f"{key}_{number}" for number in range(self.num_requests)]
        self.now = self.timer()
        self.taken: dict[str, float] = self.cache.get_many(places)
        has_place = any(place not in self.taken and self.cache.add(place, self.now, self.duration) for place in places)
        # In this order: a refused address uses nothing of its neighbours' rate.
        return has_place and self.network_has_room(request)

    def network_has_room(self, request: Request) -> bool:
        """Count a request of the network, by one counter: ten times as many places would be too many."""
        block = network(client_address(request)) if self.network_factor else ""
        return not block or self._count(self._key(block), self.num_requests * self.network_factor)

    def _count(self, key: str, most: int) -> bool:
        """Count a request in this window of time; return whether there were at most `most`.

        Caches increment in one step, except those in a database or in files: their counts are approximate.
        """
        window, into = divmod(self.now, self.duration)
        key = f"{key}_{int(window)}"
        self.cache.add(key, 0, self.duration)
        try:
            has_room = bool(self.cache.incr(key) <= most)
        except ValueError:  # The cache has dropped the entry, or keeps nothing.
            return True
        if not has_room:
            self.taken = {key: self.now - into}
        return has_room

    def wait(self) -> float:
        """Return the seconds until the first place is free, or the network's window ends."""
        return min(self.taken.values(), default=self.now) + self.duration - self.now

    def get_ident(self, request: Request) -> str:
        return subscriber(client_address(request))

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self._key(self.get_ident(request))

    def _key(self, ident: str) -> str:
        # A digest: a proxy may forward any text, a user's key may be a phone, and some caches refuse spaces.
        digest = blake2b(ident.encode(), digest_size=16).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": digest}


class GetVerifyCodeThrottle(AddressThrottle):
    scope = "phone_referrals_get_verify_code"
    default_rate = "30/hour"


class AuthThrottle(AddressThrottle):
    scope = "phone_referrals_auth"
    default_rate = "60/hour"


class RedeemAddressThrottle(AddressThrottle):
    scope = "phone_referrals_redeem_address"
    default_rate = "60/hour"


class UserThrottle(AddressThrottle):
    """Counts the requests of one user, from any address; those of anonymous users by address."""

    network_factor = 0

    def get_ident(self, request: Request) -> str:
        return str(request.user.pk) if request.user.is_authenticated else super().get_ident(request)


class RedeemUserThrottle(UserThrottle):
    scope = "phone_referrals_redeem_user"
    default_rate = "20/hour"


class ReadThrottle(UserThrottle):
    """Counts how often one user reads other people: enough for an app, too little to copy a large site's list.

    One counter for each window of time: as many places as the rate allows would fill a small cache.
    """

    scope = "phone_referrals_read"
    default_rate = "600/hour"

    def allow_request(self, request: Request, view: Any) -> bool:
        if self.rate is None:
            return True
        self.now = self.timer()
        return self._count(self.get_cache_key(request, view), self.num_requests)
