"""Checks of the settings of messages: to which numbers, how many, and how."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from phonenumbers import SUPPORTED_REGIONS

from phone_referrals import phones
from phone_referrals.checks.settings import Table, Whole, is_list, no_list
from phone_referrals.checks.site import classes_of, includes_pages
from phone_referrals.conf import conf
from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.signin import delivery
from phone_referrals.signin.codes import last_day

DAY = 86400
MAX_TEST_NUMBERS = 10


class Digits(Whole):
    def __call__(self, value: Any) -> Iterator[str]:
        # Short codes are for development, as is the echo.
        return Whole(1, self.greatest)(value) if conf.echo_code else super().__call__(value)


def _wrong_regions(value: Any) -> Iterator[str]:
    if value is None or value == "*":
        return
    # One text is not a list of one: `in` would look for a part of it. `check` reports an empty one.
    if value and not is_list(value):
        yield f"it is {value!r}, which is no list"
        return
    unknown = [str(each) for each in value or () if each not in SUPPORTED_REGIONS]
    if unknown:
        yield f"it names unknown regions: {', '.join(unknown)}"


def _wrong_types(value: Any) -> Iterator[str]:
    known = sorted(phones.TYPES.values())
    if not is_list(value) or set(value) - set(known):
        yield f"it is {value!r}, which is no list of: {', '.join(known)}"


def _wrong_wait(value: Any) -> Iterator[str]:
    is_pair = isinstance(value, list | tuple) and [type(each) for each in value] == [int, int]
    if not is_pair or not 1 <= value[0] <= value[1] <= DAY:
        yield f"it is {value!r}, which is no pair of whole numbers from 1 to {DAY}, the smaller first"


def _wrong_limits(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"it is {value!r}, which is no dictionary"
        return
    for region, limit in value.items():
        if region not in {"total", "*", *SUPPORTED_REGIONS}:
            yield f"it names {region!r}, which is no region"
        if limit is not None and (type(limit) is not int or limit < 0):
            yield f"it has {limit!r} for {region!r}, which is no number of segments"


def _wrong_conversion(value: Any) -> Iterator[str]:
    if value is None:
        return
    is_pair = isinstance(value, list | tuple) and [type(each) in {int, float} for each in value] == [True, True]
    if not is_pair or value[0] < 1 or not 0 < value[1] <= 1:
        yield f"it is {value!r}, which is no number of messages with a share between 0 and 1"


def _wrong_test_numbers(value: Any) -> Iterator[str]:
    """Yield the faults of test numbers, without their codes: builds log the output of checks."""
    if not isinstance(value, Mapping):
        yield f"it is a {type(value).__name__}, which is no dictionary"
        return
    for number, entry in value.items():
        try:
            last_day(entry["until"])
            code = entry["code"]
            is_digits = code.isascii() and code.isdigit() and len(code) == conf.code_digits
            is_right = is_digits and phones.parse(number) == number
        except (PhoneReferralsError, AttributeError, KeyError, TypeError, ValueError):
            is_right = False
        if not is_right:
            yield f"it has a wrong entry, {phones.mask(str(number))}"
    if len(value) > MAX_TEST_NUMBERS:
        yield f"it has more than {MAX_TEST_NUMBERS} numbers, each of which signs in by a code that people know"


SETTINGS: Table = {
    "PHONE_REFERRALS_ALLOWED_REGIONS": (_wrong_regions, '["US", "CA"]'),
    "PHONE_REFERRALS_CODE_DIGITS": (Digits(6, 10), "6"),
    "PHONE_REFERRALS_CODE_LIFETIME": (Whole(60, 600), "600"),
    "PHONE_REFERRALS_MESSAGES_PER_DAY": (Whole(1, 100), "10"),
    "PHONE_REFERRALS_MIN_CONVERSION": (_wrong_conversion, "(100, 0.2)"),
    "PHONE_REFERRALS_NUMBER_TYPES": (_wrong_types, '["mobile", "fixed_line_or_mobile"]'),
    "PHONE_REFERRALS_RECENT_SIGN_IN": (Whole(0, DAY), "600"),
    "PHONE_REFERRALS_RESEND_WAIT": (_wrong_wait, "(30, 3600)"),
    "PHONE_REFERRALS_SEND_GUARDS": (no_list, '["accounts.guards.Captcha"]'),
    "PHONE_REFERRALS_SMS_DAILY_LIMIT": (_wrong_limits, '{"total": 5000, "*": 500, "CA": 2000}'),
    "PHONE_REFERRALS_TEST_NUMBERS": (
        _wrong_test_numbers,
        '{"+12015550123": {"code": "123456", "until": "2027-01-31"}}',
    ),
}


def check() -> Iterator[CheckMessage]:
    if not conf.allowed_regions:
        yield _no_regions()
    if conf.sms_queue and (reason := _fault_of_queue()):
        yield Error(
            f"PHONE_REFERRALS_SMS_QUEUE names the queue {conf.sms_queue!r}, which cannot be used: {reason}.",
            hint="Give TASKS a backend with a worker, such as django_tasks_db.DatabaseBackend, and add the queue to "
            'its QUEUES. Django 5.2 needs: pip install "django-phone-referrals[tasks]".',
            id="phone_referrals.E016",
        )
    has_sessions = any(issubclass(each, SessionMiddleware) for each in classes_of(settings.MIDDLEWARE))
    is_kept = has_sessions and not settings.SESSION_ENGINE.endswith("signed_cookies")
    if includes_pages("sign_in") and not is_kept:
        yield Error(
            "The pages need sessions on the server: a visitor who signs out could go back to an old cookie.",
            hint="Add 'django.contrib.sessions.middleware.SessionMiddleware' to MIDDLEWARE, and set SESSION_ENGINE to "
            "'django.contrib.sessions.backends.db' or another that uses no signed cookies.",
            id="phone_referrals.E017",
        )


def _no_regions() -> CheckMessage:
    return Error(
        "PHONE_REFERRALS_ALLOWED_REGIONS is not set, so no phone is served while DEBUG is off.",
        hint='List the regions you do business in, such as ["US", "CA"]; "*" allows all, and their bills. '
        'Name territories too: "PR" beside "US", "JE" beside "GB", "RE" beside "FR".',
        id="phone_referrals.E015",
    )


def _fault_of_queue() -> str:
    try:
        can_wait = delivery.task().get_backend().supports_defer
    except Exception as error:  # noqa: BLE001 - Django Tasks is missing, or has no such backend or queue
        return str(error)
    return "" if can_wait else "its backend cannot run a task later, as retries need"


def check_deployment() -> Iterator[CheckMessage]:
    if conf.echo_code:
        yield Error(
            "PHONE_REFERRALS_ECHO_CODE puts sign-in codes into answers: anybody can sign in as anybody.",
            hint="Remove it, and name an SMS gateway in PHONE_REFERRALS_SMS_BACKEND.",
            id="phone_referrals.E021",
        )
    if conf.allowed_regions and not getattr(settings, "PHONE_REFERRALS_ALLOWED_REGIONS", None):
        yield _no_regions()  # While DEBUG is on; else `check` says so without `--deploy`.
    if not hasattr(settings, "PHONE_REFERRALS_SMS_DAILY_LIMIT"):
        yield Warning(
            "PHONE_REFERRALS_SMS_DAILY_LIMIT is not set: each region may be sent 500 segments a day.",
            hint='Set it to numbers of your own, such as {"total": 2000, "*": 500}; {"*": None} is no ceiling.',
            id="phone_referrals.W003",
        )
    if conf.sms_backend == "phone_referrals.sms.console.SmsBackend":
        yield Warning(
            "Messages are printed to the console: live codes are in its log, and no phone receives one.",
            hint="Name an SMS gateway in PHONE_REFERRALS_SMS_BACKEND.",
            id="phone_referrals.W004",
        )
