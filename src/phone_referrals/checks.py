"""System checks: what would fail later, said at start, with what to do about it."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models, router
from django.db.models.fields.reverse_related import OneToOneRel
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS
from rest_framework.settings import api_settings

from phone_referrals import phones
from phone_referrals.conf import conf
from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.models import Referral
from phone_referrals.signin.test_numbers import last_day
from phone_referrals.tokens import get_issuer

PHONE_FIELD_MISSING = "phone_referrals.E001"
PHONE_FIELD_NOT_UNIQUE = "phone_referrals.E002"
PATH_NOT_IMPORTABLE = "phone_referrals.E003"
LIMIT_OUT_OF_RANGE = "phone_referrals.E004"
TOKEN_APP_MISSING = "phone_referrals.E005"  # noqa: S105 - an id
BACKEND_MISSING = "phone_referrals.E006"
CODE_ECHOED = "phone_referrals.E007"
REGIONS_MISSING = "phone_referrals.E008"
REGIONS_UNKNOWN = "phone_referrals.E009"
ISOLATION_LEVEL_WRONG = "phone_referrals.E010"
NUMBER_TYPE_UNKNOWN = "phone_referrals.E011"
SMS_LIMIT_WRONG = "phone_referrals.E012"
TEST_NUMBER_WRONG = "phone_referrals.E013"
SETTING_MALFORMED = "phone_referrals.E014"
CACHE_PER_PROCESS = "phone_referrals.W001"
PROXIES_UNKNOWN = "phone_referrals.W002"
SMS_UNLIMITED = "phone_referrals.W003"

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"

MAX_TEST_NUMBERS = 10

# Property of `conf`: least and greatest value. The greatest are those of the standards named in conf.py.
RANGES: dict[str, tuple[int, int]] = {
    "code_digits": (6, 10),
    "code_lifetime": (60, 600),
    "guesses_per_code": (1, 10),
    "guesses_per_phone": (1, 100),
    "messages_per_day": (1, 100),
    "resend_wait": (1, 3600),
    "resend_wait_max": (1, 86400),
    "sms_usage_slots": (1, 1000),
    "invite_days": (1, 400),
}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong on any machine."""
    parts = (
        _phone_field,
        _dotted_paths,
        _limits,
        _regions,
        _number_types,
        _sms_limits,
        _test_numbers,
        _token_app,
        _backend,
        _isolation_level,
    )
    return [message for part in parts for message in _messages_of(part)]


def _messages_of(part: Callable[[], Iterator[CheckMessage]]) -> Iterator[CheckMessage]:
    """Yield what a part of the checks says; that it cannot even look at a setting is worth saying too."""
    try:
        yield from part()
    except (AttributeError, TypeError, ValueError) as error:
        yield Error(
            f"A setting of the package is not of the type it should be ({part.__name__.strip('_')}): {error}",
            hint="The reference of settings says which type each has.",
            id=SETTING_MALFORMED,
        )


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


def _phone_field() -> Iterator[CheckMessage]:
    model: type[models.Model] = get_user_model()
    *relations, name = conf.phone_field.split("__")
    try:
        for relation in relations:
            link = model._meta.get_field(relation)
            if not isinstance(link, OneToOneRel) or len(relations) > 1:
                raise FieldDoesNotExist  # noqa: TRY301
            model = link.related_model
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        yield Error(
            f"The user model {get_user_model()._meta.label} has no field {conf.phone_field!r}.",
            hint="Add phone_referrals.base_user.PhoneUserMixin to it, or name its own field in "
            "PHONE_REFERRALS_PHONE_FIELD, or that of a model with a OneToOneField to it, such as 'profile__phone'.",
            id=PHONE_FIELD_MISSING,
        )
        return
    constraints = [each.fields for each in model._meta.total_unique_constraints]
    if not getattr(field, "unique", False) and (name,) not in constraints:
        yield Error(
            f"The field {conf.phone_field!r} of {get_user_model()._meta.label} is not unique, "
            "so one phone could have several users.",
            hint="Give it unique=True.",
            id=PHONE_FIELD_NOT_UNIQUE,
        )


def _dotted_paths() -> Iterator[CheckMessage]:
    paths = {
        "PHONE_REFERRALS_ACCOUNTS": [conf.accounts],
        "PHONE_REFERRALS_CODE_GENERATOR": [conf.code_generator],
        "PHONE_REFERRALS_REDEEM_RULES": conf.redeem_rules,
        "PHONE_REFERRALS_SEND_GUARDS": conf.send_guards,
        "PHONE_REFERRALS_SMS_BACKEND": [conf.sms_backend],
        "PHONE_REFERRALS_TOKEN_ISSUER": [conf.token_issuer],
        "PHONE_REFERRALS_USERS_PERMISSION": [conf.users_permission],
    }
    for setting, values in paths.items():
        for path in values:
            try:
                import_string(path)
            except (ImportError, RuntimeError) as error:  # Models of an app that is not installed are the latter.
                yield Error(
                    f"{setting} names {path!r}, which cannot be imported: {error}",
                    hint="Give the dotted path of an importable object.",
                    id=PATH_NOT_IMPORTABLE,
                )


def _limits() -> Iterator[CheckMessage]:
    for name, (least, greatest) in RANGES.items():
        if name == "code_digits" and conf.echo_code:
            least = 1  # noqa: PLW2901 - short codes are for development, as is the echo
        try:
            value = getattr(conf, name)
        except (TypeError, ValueError):
            value = None
        if value is None or not least <= value <= greatest:
            yield Error(
                f"PHONE_REFERRALS_{name.upper()} must be a whole number from {least} to {greatest}.",
                hint="The reference of settings says where the bounds come from.",
                id=LIMIT_OUT_OF_RANGE,
            )


def _regions() -> Iterator[CheckMessage]:
    regions = conf.allowed_regions
    if regions == "*":
        return
    # One text is not a list of one: `in` would look for a part of it.
    unknown = [regions] if isinstance(regions, str) else [each for each in regions if each not in SUPPORTED_REGIONS]
    if unknown:
        yield Error(
            f"PHONE_REFERRALS_ALLOWED_REGIONS names unknown regions: {', '.join(map(str, unknown))}.",
            hint='Give a list of ISO 3166-1 codes, such as ["GB", "IE"], or "*".',
            id=REGIONS_UNKNOWN,
        )


def _number_types() -> Iterator[CheckMessage]:
    unknown = set(conf.number_types) - set(phones.TYPES.values())
    if unknown or isinstance(conf.number_types, str):
        yield Error(
            f"PHONE_REFERRALS_NUMBER_TYPES must be a list of: {', '.join(sorted(phones.TYPES.values()))}.",
            hint='Most sites want ["mobile", "fixed_line_or_mobile"], which is the default.',
            id=NUMBER_TYPE_UNKNOWN,
        )


def _sms_limits() -> Iterator[CheckMessage]:
    limits: dict[str, Any] = {"SMS_DAILY_LIMIT": conf.sms_daily_limit, **conf.sms_daily_limit_by_region}
    wrong = [name for name, limit in limits.items() if limit is not None and (not isinstance(limit, int) or limit < 0)]
    unknown = set(conf.sms_daily_limit_by_region) - SUPPORTED_REGIONS
    if conf.min_conversion is not None:
        least, share = conf.min_conversion
        if least < 1 or not 0 < share <= 1:
            wrong.append("MIN_CONVERSION")
    for name in {*wrong, *unknown}:
        yield Error(
            f"A limit of messages is wrong: {name}.",
            hint="A limit is a whole number, a region an ISO 3166-1 code, and PHONE_REFERRALS_MIN_CONVERSION a number "
            "of messages and a share between 0 and 1, such as (100, 0.2).",
            id=SMS_LIMIT_WRONG,
        )


def _test_numbers() -> Iterator[CheckMessage]:
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


def _token_app() -> Iterator[CheckMessage]:
    try:
        app = get_issuer().required_app
    except (ImportError, RuntimeError, AttributeError):
        return  # Another check says so, or the host's issuer needs no app.
    if app and app not in settings.INSTALLED_APPS:
        yield Error(
            f"PHONE_REFERRALS_TOKEN_ISSUER {conf.token_issuer!r} needs the app {app!r}.",
            hint=f"Add {app!r} to INSTALLED_APPS and migrate, or name another issuer.",
            id=TOKEN_APP_MISSING,
        )


def _backend() -> Iterator[CheckMessage]:
    for path in settings.AUTHENTICATION_BACKENDS:
        try:
            backend = import_string(path)
        except ImportError:
            continue  # Django says so itself.
        if isinstance(backend, type) and issubclass(backend, import_string(BACKEND)):
            return
    yield Error(
        "No backend in AUTHENTICATION_BACKENDS signs in by phone.",
        hint=f"Add {BACKEND!r} to it.",
        id=BACKEND_MISSING,
    )


def _isolation_level() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Referral)
    level = connections[alias].settings_dict["OPTIONS"].get("isolation_level")
    # psycopg's levels have names; they are compared so that it need not be installed.
    if level is not None and getattr(level, "name", str(level)).upper().replace(" ", "_") != "READ_COMMITTED":
        yield Error(
            f"The database {alias!r} has the isolation level {getattr(level, 'name', level)}.",
            hint="Referrals are kept free of circles by locks, which need READ COMMITTED. It is the default.",
            id=ISOLATION_LEVEL_WRONG,
        )
