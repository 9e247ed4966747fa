from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.cache.backends.base import memcache_key_warnings
from django.core.cache.backends.dummy import DummyCache
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle

from phone_referrals import throttling
from phone_referrals.throttling import client_address, network, subscriber

THROTTLES = {
    "get_verify_code": (throttling.GetVerifyCodeThrottle, "30/hour"),
    "auth": (throttling.AuthThrottle, "60/hour"),
    "redeem_address": (throttling.RedeemAddressThrottle, "60/hour"),
    "redeem_user": (throttling.RedeemUserThrottle, "20/hour"),
    "read": (throttling.ReadThrottle, "600/hour"),
}
# A right shape of request for each throttled call; what is answered does not matter.
CALLS = {
    "get_verify_code": ("/api/users/get_verify_code/", {"phone_number": "no number"}),
    "auth": ("/api/users/auth/", {"phone_number": "no number", "code": "123456"}),
    "redeem_address": ("/api/referrals/referral_code/", {"referral_code": "NOBODY"}),
    "redeem_user": ("/api/referrals/referral_code/", {"referral_code": "NOBODY"}),
}


@pytest.fixture
def call(make_user):
    """Make a throttled call from an address; say whether it was let through."""
    users = {}

    def call(scope="auth", address="192.0.2.1", *, user=0, forwarded=None):
        client = APIClient(REMOTE_ADDR=address)
        if scope.startswith("redeem"):
            if user not in users:
                users[user] = make_user(user)
            client.force_authenticate(users[user])
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        url, data = CALLS[scope]
        call.answer = client.post(url, data, format="json", headers=headers)
        assert call.answer.status_code in {400, 429}, call.answer.content
        return call.answer.status_code == 400

    return call


def address_of(remote, forwarded=None):
    meta = {} if remote is None else {"REMOTE_ADDR": remote}
    return client_address(SimpleNamespace(META=meta | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})))


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("unix:", "unix:"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_address_has_one_spelling(remote, address):
    assert address_of(remote) == address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (None, "203.0.113.7", "192.0.2.1"),
        (0, "203.0.113.7", "192.0.2.1"),
        (0, "203.0.113.7, 203.0.113.8", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, " , ,", "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "203.0.113.7, 203.0.113.8", "203.0.113.8"),
        (1, "203.0.113.7,2001:db8::8", "2001:db8::8"),
        (1, "203.0.113.7, unknown", "unknown"),
        (1, "203.0.113.7:567", "203.0.113.7"),
        (1, "[2001:db8::8]:567", "2001:db8::8"),
        (1, "[2001:db8::8]", "2001:db8::8"),
        (1, "[::ffff:203.0.113.7]:567", "203.0.113.7"),
        (1, "unknown:567", "unknown"),
        (2, "203.0.113.6, 203.0.113.7, 203.0.113.8", "203.0.113.7"),
        (2, "203.0.113.8", "203.0.113.8"),
    ],
)
def test_a_forwarded_address_counts_as_far_as_proxies_wrote_it(limit, proxies, forwarded, address):
    limit(proxies=proxies)
    assert address_of("192.0.2.1", forwarded) == address


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_one_client_is_an_ipv4_address_or_an_ipv6_network(address, client):
    assert subscriber(address) == client


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.1", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_network_is_an_ipv4_24_or_an_ipv6_48(address, block):
    assert network(address) == block


def calls_of(call, addresses):
    return sum(call(address=address) for address in addresses)


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        ([f"192.0.2.{last}" for last in range(30)], 20),
        ([f"::ffff:192.0.2.{last}" for last in range(30)], 20),
        ([f"192.0.{block}.1" for block in range(30)], 30),
        ([f"2001:db8:1:{subnet:x}::1" for subnet in range(30)], 20),
        ([f"2001:db8:{site:x}:1::1" for site in range(30)], 30),
        # An address that is refused uses nothing of its neighbours' rate.
        ([*["192.0.2.1"] * 30, *[f"192.0.2.{last}" for last in range(2, 32)]], 2 + 18),
        (["unix:"] * 30, 2),
    ],
)
def test_a_network_has_ten_times_the_rate_of_an_address(limit, call, time_machine, addresses, allowed):
    limit(auth="2/hour")
    time_machine.move_to("2026-06-01T12:00Z", tick=False)
    assert calls_of(call, addresses) == allowed


def test_a_network_that_is_refused_is_told_when_its_hour_ends(limit, call, time_machine):
    limit(auth="1/hour")
    time_machine.move_to("2026-06-01T12:10Z", tick=False)
    assert calls_of(call, [f"192.0.2.{last}" for last in range(11)]) == 10
    assert call.answer["Retry-After"] == "3000"
    time_machine.shift(2999)
    assert not call(address="192.0.2.11")
    time_machine.shift(1)
    assert call(address="192.0.2.12")


def test_the_calls_do_not_share_a_networks_rate(limit, call):
    limit(get_verify_code="1/hour", auth="1/hour")
    addresses = [f"192.0.2.{last}" for last in range(11)]
    assert calls_of(call, addresses) == 10
    assert call("get_verify_code", addresses[0])


@pytest.mark.django_db
def test_a_redeemer_is_counted_without_a_network(limit, call):
    limit(redeem_user="1/hour", redeem_address=None)
    assert all(call("redeem_user", f"192.0.2.{user}", user=user) for user in range(11))


def test_a_cache_that_keeps_nothing_refuses_no_network(limit, rf, monkeypatch):
    limit(auth="1/hour")
    monkeypatch.setattr(throttling.AuthThrottle, "cache", DummyCache("", {}))
    assert throttling.AuthThrottle().allow_request(rf.post("/"), None)


class NaiveNetwork(throttling.AuthThrottle):
    """Reads the counter, and writes it back."""

    def network_has_room(self, request):
        counted = self.cache.get("network", 0)
        everyone_has_read.wait(10)
        self.cache.set("network", counted + 1)
        return counted < self.num_requests * self.network_factor


everyone_has_read = Barrier(15)


@pytest.mark.parametrize(("throttle", "allowed"), [(throttling.AuthThrottle, 10), (NaiveNetwork, 15)])
def test_calls_of_a_network_at_the_same_moment_are_all_counted(limit, rf, throttle, allowed):
    limit(auth="1/hour")
    requests = [rf.post("/", REMOTE_ADDR=f"192.0.2.{last}") for last in range(15)]
    with ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda request: throttle().allow_request(request, None), requests))
    assert answers.count(True) == allowed


@pytest.mark.parametrize("scope", THROTTLES)
def test_rates_are_those_of_the_documentation_by_default(limit, scope):
    limit()
    throttle, rate = THROTTLES[scope]
    assert throttle().rate == rate


@pytest.mark.parametrize("scope", THROTTLES)
def test_rates_are_ordinary_drf_scopes(limit, scope):
    limit(**{scope: "3/day"})
    throttle, _ = THROTTLES[scope]
    assert (throttle().num_requests, throttle().duration) == (3, 86400)


@pytest.mark.parametrize("scope", THROTTLES)
def test_a_rate_of_none_switches_a_throttle_off(limit, scope):
    limit(**{scope: None})
    throttle, _ = THROTTLES[scope]
    assert throttle().allow_request(None, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("scope", "allowed"), [("get_verify_code", 30), ("auth", 60), ("redeem_address", 60), ("redeem_user", 20)]
)
def test_each_call_is_limited_by_default(limit, call, scope, allowed):
    limit()
    users = range(allowed) if scope == "redeem_address" else [0] * allowed
    assert all(call(scope, user=user) for user in users)
    assert not call(scope, user=users[-1] + 1 if scope == "redeem_address" else 0)


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["get_verify_code", "auth", "redeem_address"])
def test_another_address_has_a_limit_of_its_own(limit, call, scope):
    limit(**{scope: "1/hour"})
    assert [call(scope), call(scope), call(scope, "192.0.2.2")] == [True, False, True]


def test_the_calls_do_not_share_a_limit(limit, call):
    limit(get_verify_code="1/hour", auth="1/hour")
    assert [call("auth"), call("get_verify_code"), call("auth")] == [True, True, False]


def test_a_limit_ends_with_its_hour(limit, call, time_machine):
    limit(auth="2/hour")
    time_machine.move_to("2026-06-01T12:00Z", tick=False)
    assert [call(), call(), call()] == [True, True, False]
    time_machine.shift(3599)
    assert not call()
    time_machine.shift(1)
    assert call()


class OneMoment:
    """The cache, where all of five calls have read before any of them writes."""

    def __init__(self):
        self.all_have_read = Barrier(5)

    def read(self, answer):
        self.all_have_read.wait(10)
        return answer

    def get(self, *arguments):
        return self.read(cache.get(*arguments))

    def get_many(self, *arguments):
        return self.read(cache.get_many(*arguments))

    set, add, incr = cache.set, cache.add, cache.incr


class Naive(throttling.AuthThrottle):
    """As DRF does it."""

    allow_request = SimpleRateThrottle.allow_request


@pytest.mark.parametrize(("throttle", "allowed"), [(throttling.AuthThrottle, 2), (Naive, 5)])
def test_calls_of_the_same_moment_are_all_counted(limit, rf, monkeypatch, throttle, allowed):
    limit(auth="2/hour")
    monkeypatch.setattr(throttle, "cache", OneMoment())
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: throttle().allow_request(rf.post("/"), None), range(5)))
    assert answers.count(True) == allowed


def test_addresses_of_one_64_share_a_limit(limit, call):
    limit(auth="1/hour")
    assert call(address="2001:db8:0:1::1")
    assert not call(address="2001:db8:0:1:ffff:ffff:ffff:ffff")
    assert call(address="2001:db8:0:2::1")


def test_an_ipv4_mapped_address_has_the_limit_of_the_ipv4(limit, call):
    limit(auth="1/hour")
    assert call(address="192.0.2.1")
    assert not call(address="::ffff:192.0.2.1")
    assert call(address="::ffff:192.0.2.2")


@pytest.mark.parametrize("proxies", [None, 0, 1, 2])
def test_a_forged_x_forwarded_for_changes_nothing(limit, call, proxies):
    limit(auth="2/hour", proxies=proxies)
    real_proxies = ["10.0.0.1", "10.0.0.2"][: proxies or 0]

    def call_of(client, forged):
        """Make the call as it arrives: each proxy appends whom it heard; we see the last in REMOTE_ADDR."""
        hops = [*forged, client, *real_proxies]
        return call(address=hops[-1], forwarded=", ".join(hops[:-1]))

    forgeries = [[], ["203.0.113.1"], ["203.0.113.2"], ["203.0.113.3", "10.0.0.1"], ["a", "b", "c"], ["192.0.2.2"]]
    assert [call_of("192.0.2.1", forged) for forged in forgeries] == [True, True, False, False, False, False]
    # Nor does somebody who writes my address into it use up my limit.
    assert call_of("192.0.2.2", ["192.0.2.1"])
    assert call_of("192.0.2.2", ["192.0.2.1"])


@pytest.mark.django_db
@pytest.mark.parametrize("scope", CALLS)
def test_who_is_throttled_is_told_so_and_for_how_long(limit, call, time_machine, scope):
    limit(**{scope: "1/hour"})
    time_machine.move_to("2026-06-01T12:00Z", tick=False)
    call(scope)
    time_machine.shift(600)
    call(scope)

    assert call.answer.status_code == 429
    assert call.answer["Retry-After"] == "3000"
    assert call.answer.json().keys() == {"detail", "code"}
    assert call.answer.json()["code"] == "throttled"


@pytest.mark.django_db
def test_a_redeemer_is_throttled_across_addresses(limit, call):
    limit(redeem_user="2/hour")
    addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert [call("redeem_user", address) for address in addresses] == [True, True, False]
    assert call("redeem_user", "192.0.2.1", user=1)


@pytest.mark.django_db
def test_redeemers_of_one_address_are_throttled_together(limit, call):
    limit(redeem_address="2/hour")
    assert [call("redeem_address", user=user) for user in range(3)] == [True, True, False]
    assert call("redeem_address", "192.0.2.2", user=2)


@pytest.mark.django_db
def test_a_throttled_request_sends_and_writes_nothing(limit, call, api, outbox, phone):
    limit(get_verify_code="1/hour")
    call("get_verify_code", "127.0.0.1")

    assert api.post("/api/users/get_verify_code/", {"phone_number": phone}, format="json").status_code == 429
    assert outbox == []


@pytest.mark.parametrize("address", ["", "unix:", "/run/gunicorn.sock", "no address", "\x7f", "9" * 300])
def test_an_address_that_is_none_is_limited_like_any_other(limit, call, address):
    limit(auth="1/hour")
    assert [call(address=address), call(address=address)] == [True, False]


def test_requests_without_any_address_are_limited_together(limit, rf):
    limit(auth="1/hour")
    request = rf.post("/")
    del request.META["REMOTE_ADDR"]
    assert throttling.AuthThrottle().allow_request(request, None)
    assert not throttling.AuthThrottle().allow_request(request, None)


@pytest.mark.parametrize("forwarded", ["unknown", "_hidden", "two words", "\xff", "9" * 300])
def test_whatever_a_proxy_forwards_as_an_address_is_limited(limit, call, forwarded):
    limit(auth="1/hour", proxies=1)
    assert [call(forwarded=forwarded), call(forwarded=forwarded)] == [True, False]


@pytest.fixture
def keys(limit, call, sign_in, phone):
    """The keys that all throttled calls leave in the cache."""
    limit(**dict.fromkeys(THROTTLES, "9/hour"), proxies=1)
    client = sign_in(phone)
    client.post("/api/referrals/referral_code/", {"referral_code": "NOBODY"}, format="json")
    client.get("/api/users/")
    call(forwarded="two words " * 30)
    return list(cache._cache)


@pytest.mark.django_db
def test_no_key_in_the_cache_contains_a_phone_number(keys, phone):
    assert all(any(scope in key for key in keys) for scope in THROTTLES)
    assert not [key for key in keys if phone[-7:] in key]


@pytest.mark.django_db
def test_every_cache_takes_the_keys(keys):
    assert [warning for key in keys for warning in memcache_key_warnings(key)] == []


@pytest.mark.django_db
def test_unknown_and_disabled_referral_codes_are_answered_alike(api, make_user, time_machine):
    time_machine.move_to("2026-06-01T12:00Z", tick=False)  # The answers name the second.
    owner, redeemer = make_user(0), make_user(1)
    api.force_authenticate(redeemer)
    owner.phone_referral_codes.create(code="D1SAB1ED", is_disabled=True)
    answers = [
        api.post("/api/referrals/referral_code/", {"referral_code": code}, format="json")
        for code in ("NOBODY", "D1SAB1ED", "disabled")
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert answers[0].json()["code"] == "invalid_referral_code"
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert [dict(answer.headers) for answer in answers[1:]] == [dict(answers[0].headers)] * 2


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "{me}/", "{me}/invitees/", "nobody/"])
def test_reads_of_one_user_are_throttled_from_everywhere(limit, make_user, time_machine, path):
    limit(read="2/hour")
    time_machine.move_to("2026-06-01T12:10Z", tick=False)
    me, other = make_user(0), make_user(1)

    def read(user, address):
        client = APIClient(REMOTE_ADDR=address)
        client.force_authenticate(user)
        return client.get(f"/api/users/{path.format(me=user.pk)}")

    answers = [read(me, f"192.0.2.{number}") for number in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert (answers[-1]["Retry-After"], answers[-1].json()["code"]) == ("3000", "throttled")
    assert read(other, "192.0.2.1").status_code != 429
    time_machine.shift(3000)
    assert read(me, "192.0.2.1").status_code != 429


def test_anonymous_reads_are_limited_by_address(limit, rf):
    limit(read="1/hour")
    request = rf.get("/")
    request.user = AnonymousUser()
    assert [throttling.ReadThrottle().allow_request(request, None) for _ in range(2)] == [True, False]
    request.META["REMOTE_ADDR"] = "192.0.2.1"
    assert throttling.ReadThrottle().allow_request(request, None)


def test_a_read_without_its_counter_is_let_through(limit, rf, monkeypatch):
    limit(read="1/hour")
    request = rf.get("/")
    request.user = AnonymousUser()
    monkeypatch.setattr(throttling.ReadThrottle.cache, "add", lambda *args: False)
    assert throttling.ReadThrottle().allow_request(request, None)


def test_a_request_that_finds_all_places_taken_waits_fully(limit, monkeypatch):
    limit(auth="1/min")
    throttle = throttling.AuthThrottle()
    monkeypatch.setattr(throttle.cache, "add", lambda *args: False)
    assert not throttle.allow_request(APIRequestFactory().get("/"), None)
    assert throttle.wait() == 60
