"""What must not reach production."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings

from phone_referrals.checks.host import classes_of
from phone_referrals.checks.ids import (
    CACHE_PER_PROCESS,
    CACHE_TOO_SMALL,
    CODE_ECHOED,
    INVITATIONS_LOST,
    PROXIES_UNKNOWN,
    SITE_HOST_OPEN,
    SMS_LIMIT_UNSET,
    SMS_PRINTED,
)
from phone_referrals.checks.messages import no_regions
from phone_referrals.conf import conf
from phone_referrals.referrals.invites import InviteMiddleware
from phone_referrals.referrals.links import invite_page

# What a cache has to keep. Each call that is counted is an entry, for an hour: up to 90 from one address.
MIN_ENTRIES = 100_000


def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Return what must not reach production (`check --deploy`)."""
    messages: list[CheckMessage] = []
    if conf.echo_code:
        messages.append(
            Error(
                "PHONE_REFERRALS_ECHO_CODE puts sign-in codes into answers: anybody can sign in as anybody.",
                hint="Remove it, and name an SMS gateway in PHONE_REFERRALS_SMS_BACKEND.",
                id=CODE_ECHOED,
            )
        )
    if conf.allowed_regions and not getattr(settings, "PHONE_REFERRALS_ALLOWED_REGIONS", None):
        messages.append(no_regions())  # While DEBUG is on; else `check` says so without `--deploy`.
    return [*messages, *_cache_advice(), *_sending_advice(), *_deployment_advice()]


def _cache_advice() -> Iterator[CheckMessage]:
    cache = settings.CACHES["default"]
    kind = import_string(cache["BACKEND"])
    if issubclass(kind, LocMemCache | DummyCache):
        yield Warning(
            "The limits per client address are counted in a cache that each process has for itself.",
            hint="Use a cache that the processes share, such as Redis, as CACHES['default'].",
            id=CACHE_PER_PROCESS,
        )
    # 300 is what they keep unless told otherwise. A stranger with as many addresses frees one that is blocked.
    small = cache.get("OPTIONS", {}).get("MAX_ENTRIES", 300) < MIN_ENTRIES
    if small and issubclass(kind, LocMemCache | DatabaseCache | FileBasedCache):
        yield Warning(
            "The cache drops entries when it has many, and with them calls that the limits per client address count.",
            hint="Set CACHES['default']['OPTIONS']['MAX_ENTRIES'] to 100000 or more, or use Redis.",
            id=CACHE_TOO_SMALL,
        )


def _sending_advice() -> Iterator[CheckMessage]:
    if not hasattr(settings, "PHONE_REFERRALS_SMS_DAILY_LIMIT"):
        yield Warning(
            "PHONE_REFERRALS_SMS_DAILY_LIMIT is not set: each region is sent up to 500 segments a day, which may "
            "be more than you want to pay, or fewer than your visitors need.",
            hint='Set it to numbers of your own, such as {"total": 2000, "*": 500}; {"*": None} is no ceiling.',
            id=SMS_LIMIT_UNSET,
        )
    if not conf.site_host and any(host == "*" or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        yield Warning(
            "ALLOWED_HOSTS has a wildcard, and PHONE_REFERRALS_SITE_HOST is not set: a stranger chooses the host that "
            "messages and invite links name.",
            hint='Set PHONE_REFERRALS_SITE_HOST to the name of the site, such as "example.com".',
            id=SITE_HOST_OPEN,
        )
    if conf.sms_backend == "phone_referrals.sms.console.SmsBackend":
        yield Warning(
            "Messages are printed to the console, so live codes are in its log, and nobody gets one.",
            hint="Name an SMS gateway in PHONE_REFERRALS_SMS_BACKEND.",
            id=SMS_PRINTED,
        )


def _deployment_advice() -> Iterator[CheckMessage]:
    if api_settings.NUM_PROXIES is None:
        yield Warning(
            "REST_FRAMEWORK['NUM_PROXIES'] is not set: behind a proxy, all visitors share the proxy's limits.",
            hint="Set it to the number of proxies in front of Django, 0 for none.",
            id=PROXIES_UNKNOWN,
        )
    if not (conf.referral_link or invite_page(None, "CODE") or _keeps_invitations()):
        yield Warning(
            "Whoever follows an invite link is not invited: it is /?ref=CODE, and nothing of the package reads that.",
            hint='Add "phone_referrals.referrals.invites.InviteMiddleware" to MIDDLEWARE, include '
            "phone_referrals.pages.urls, or name a page that reads the code in PHONE_REFERRALS_REFERRAL_LINK.",
            id=INVITATIONS_LOST,
        )


def _keeps_invitations() -> bool:
    return any(issubclass(each, InviteMiddleware) for each in classes_of(settings.MIDDLEWARE))
