"""What must not reach production."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from rest_framework.settings import api_settings

from phone_referrals.checks.ids import (
    CACHE_PER_PROCESS,
    CODE_ECHOED,
    PROXIES_UNKNOWN,
    REGIONS_MISSING,
    SMS_PRINTED,
    SMS_UNLIMITED,
)
from phone_referrals.conf import conf


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
    if not getattr(settings, "PHONE_REFERRALS_ALLOWED_REGIONS", None):
        messages.append(
            Error(
                "PHONE_REFERRALS_ALLOWED_REGIONS is not set, so no phone is served.",
                hint='List the regions you do business in, such as ["US", "CA"]; "*" allows all, and their bills.',
                id=REGIONS_MISSING,
            )
        )
    return [*messages, *_deployment_advice()]


def _deployment_advice() -> Iterator[CheckMessage]:
    if settings.CACHES["default"]["BACKEND"].rpartition(".")[2] in {"LocMemCache", "DummyCache"}:
        yield Warning(
            "The limits per client address are counted in a cache that each process has for itself.",
            hint="Use a cache that the processes share, such as Redis, as CACHES['default'].",
            id=CACHE_PER_PROCESS,
        )
    if api_settings.NUM_PROXIES is None:
        yield Warning(
            "REST_FRAMEWORK['NUM_PROXIES'] is not set: behind a proxy, all visitors share the proxy's limits.",
            hint="Set it to the number of proxies in front of Django, 0 for none.",
            id=PROXIES_UNKNOWN,
        )
    if conf.sms_daily_limit is None and not conf.sms_daily_limit_by_region:
        yield Warning(
            "The number of messages a day, and so the bill, has no ceiling.",
            hint="Set PHONE_REFERRALS_SMS_DAILY_LIMIT or PHONE_REFERRALS_SMS_DAILY_LIMIT_BY_REGION.",
            id=SMS_UNLIMITED,
        )
    if conf.sms_backend == "phone_referrals.sms.console.SmsBackend":
        yield Warning(
            "Messages are printed to the console, so live codes are in its log, and nobody gets one.",
            hint="Name an SMS gateway in PHONE_REFERRALS_SMS_BACKEND.",
            id=SMS_PRINTED,
        )
