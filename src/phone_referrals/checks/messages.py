"""Whom messages are sent to, how many, and by whom."""

import re
from collections.abc import Iterator, Mapping
from inspect import getdoc

from django.conf import settings
from django.core.checks import CheckMessage, Error
from phonenumbers import SUPPORTED_REGIONS

from phone_referrals import phones
from phone_referrals.checks.ids import (
    LIMIT_OUT_OF_RANGE,
    NUMBER_TYPE_UNKNOWN,
    REGIONS_MISSING,
    REGIONS_UNKNOWN,
    SITE_HOST_WRONG,
    SMS_LIMIT_WRONG,
    SMS_QUEUE_WRONG,
    TEST_NUMBER_WRONG,
)
from phone_referrals.conf import Conf, conf
from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.signin import delivery
from phone_referrals.signin.test_numbers import last_day
from phone_referrals.sms import MAX_HOST

MAX_TEST_NUMBERS = 10
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*", re.IGNORECASE)

# Property of `conf`: least and greatest value. The greatest are those of the standards named in conf.py.
RANGES: dict[str, tuple[int, int]] = {
    "code_digits": (6, 10),
    "code_lifetime": (60, 600),
    "messages_per_day": (1, 100),
    "recent_sign_in": (0, 86400),
    "sms_usage_slots": (1, 1000),
}


def limits() -> Iterator[CheckMessage]:
    for name, (least, greatest) in RANGES.items():
        if name == "code_digits" and conf.echo_code:
            least = 1  # noqa: PLW2901 - short codes are for development, as is the echo
        try:
            value = getattr(conf, name)
        except (TypeError, ValueError):
            value = None
        if value is None or not least <= value <= greatest:
            setting, nearest = f"PHONE_REFERRALS_{name.upper()}", min(max(value or 0, least), greatest)
            yield Error(
                f"{setting} is {getattr(settings, setting)!r}; it must be a whole number from {least} to {greatest}.",
                hint=f"Write {setting} = {nearest}. {getdoc(vars(Conf)[name])}",
                id=LIMIT_OUT_OF_RANGE,
            )


def regions() -> Iterator[CheckMessage]:
    regions = conf.allowed_regions
    if not regions:
        yield no_regions()
    if not regions or regions == "*":
        return
    # One text is not a list of one: `in` would look for a part of it.
    unknown = [regions] if isinstance(regions, str) else [each for each in regions if each not in SUPPORTED_REGIONS]
    if unknown:
        yield Error(
            f"PHONE_REFERRALS_ALLOWED_REGIONS names unknown regions: {', '.join(map(str, unknown))}.",
            hint='Give a list of ISO 3166-1 codes, such as ["GB", "IE"], or "*".',
            id=REGIONS_UNKNOWN,
        )


def no_regions() -> CheckMessage:
    return Error(
        "PHONE_REFERRALS_ALLOWED_REGIONS is not set, so no phone is served while DEBUG is off.",
        hint='List the regions you do business in, such as ["US", "CA"]; "*" allows all, and their bills. '
        'Others share a country code, and are named too: "PR" beside "US", "JE" beside "GB", "RE" beside "FR".',
        id=REGIONS_MISSING,
    )


def number_types() -> Iterator[CheckMessage]:
    unknown = set(conf.number_types) - set(phones.TYPES.values())
    if unknown or isinstance(conf.number_types, str):
        yield Error(
            f"PHONE_REFERRALS_NUMBER_TYPES is {conf.number_types!r}; it must be a list of: "
            f"{', '.join(sorted(phones.TYPES.values()))}.",
            hint='Most sites want ["mobile", "fixed_line_or_mobile"], which is the default.',
            id=NUMBER_TYPE_UNKNOWN,
        )


def sms_limits() -> Iterator[CheckMessage]:
    limits = getattr(settings, "PHONE_REFERRALS_SMS_DAILY_LIMIT", {})
    if not isinstance(limits, Mapping):
        yield _wrong_limit(f"is {limits!r}, which is no dictionary")
        return
    for region, limit in limits.items():
        if region not in {"total", "*", *SUPPORTED_REGIONS}:
            yield _wrong_limit(f"names {region!r}, which is no region")
        if limit is not None and (type(limit) is not int or limit < 0):
            yield _wrong_limit(f"has {limit!r} for {region!r}, which is no number of segments")


def _wrong_limit(what: str) -> CheckMessage:
    return Error(
        f"PHONE_REFERRALS_SMS_DAILY_LIMIT {what}.",
        hint='Write segments a day by ISO 3166-1 code, "*" for each other region and "total" for all together, such as '
        '{"total": 5000, "*": 500, "CA": 2000}; None is no ceiling.',
        id=SMS_LIMIT_WRONG,
    )


def min_conversion() -> Iterator[CheckMessage]:
    if conf.min_conversion is None:
        return
    least, share = conf.min_conversion
    if least < 1 or not 0 < share <= 1:
        yield Error(
            f"PHONE_REFERRALS_MIN_CONVERSION is {conf.min_conversion!r}.",
            hint="Write a number of messages and a share between 0 and 1, such as (100, 0.2).",
            id=SMS_LIMIT_WRONG,
        )


def site_host() -> Iterator[CheckMessage]:
    host = getattr(settings, "PHONE_REFERRALS_SITE_HOST", "")
    if not isinstance(host, str) or (host and (len(host) > MAX_HOST or not HOST.fullmatch(host))):
        yield Error(
            f"PHONE_REFERRALS_SITE_HOST is {host!r}, which is no host name of {MAX_HOST} characters at most.",
            hint='Write the name alone, such as "example.com": no scheme, port or path, other scripts as "xn--…".',
            id=SITE_HOST_WRONG,
        )


def test_numbers() -> Iterator[CheckMessage]:
    for number, entry in conf.test_numbers.items():
        try:
            last_day(entry["until"])
            code = entry["code"]
            is_digits = code.isascii() and code.isdigit() and len(code) == conf.code_digits
            is_right = is_digits and phones.parse(number) == number
        except (PhoneReferralsError, AttributeError, KeyError, TypeError, ValueError):
            is_right = False
        if not is_right:
            yield Error(
                f"PHONE_REFERRALS_TEST_NUMBERS has a wrong entry, {phones.mask(str(number))}.",
                hint='Write {"+12015550123": {"code": "123456", "until": "2027-01-31"}}: E.164, digits, last day.',
                id=TEST_NUMBER_WRONG,
            )
    if len(conf.test_numbers) > MAX_TEST_NUMBERS:
        yield Error(
            f"PHONE_REFERRALS_TEST_NUMBERS has more than {MAX_TEST_NUMBERS} numbers.",
            hint="Each of them can be signed in with by whoever knows its code: remove those that nobody needs.",
            id=TEST_NUMBER_WRONG,
        )


def sms_queue() -> Iterator[CheckMessage]:
    if not conf.sms_queue:
        return
    try:
        task = delivery.task()
        reason = "" if task.get_backend().supports_defer else "its backend cannot run a task later, as retries need"
    except Exception as error:  # noqa: BLE001 - Django Tasks is missing, or has no such backend or queue
        reason = str(error)
    if reason:
        yield Error(
            f"PHONE_REFERRALS_SMS_QUEUE names the queue {conf.sms_queue!r}, which cannot be used: {reason}.",
            hint="Give TASKS a backend with a worker, such as django_tasks_db.DatabaseBackend, and this queue in its "
            'QUEUES. Django 5.2 needs django-tasks: pip install "django-phone-referrals[tasks]".',
            id=SMS_QUEUE_WRONG,
        )
