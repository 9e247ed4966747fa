"""System checks: what would fail later, said at start, with what to do about it."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models, router
from django.db.models.fields.reverse_related import OneToOneRel
from django.utils.module_loading import import_string
from phonenumbers import SUPPORTED_REGIONS

from phone_referrals.conf import conf
from phone_referrals.models import Referral

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

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"

# Property of `conf`: least and greatest value. The greatest are those of the standards named in conf.py.
RANGES: dict[str, tuple[int, int]] = {
    "code_digits": (6, 10),
    "code_lifetime": (60, 600),
    "guesses_per_code": (1, 10),
    "guesses_per_phone": (1, 100),
    "messages_per_day": (1, 100),
    "resend_wait": (1, 3600),
    "resend_wait_max": (1, 86400),
}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong on any machine."""
    return [*_phone_field(), *_dotted_paths(), *_limits(), *_regions(), *_token_app(), *_backend(), *_isolation_level()]


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
    return messages


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
        "PHONE_REFERRALS_SMS_BACKEND": [conf.sms_backend],
        "PHONE_REFERRALS_TOKEN_ISSUER": [conf.token_issuer],
        "PHONE_REFERRALS_USERS_PERMISSION": [conf.users_permission],
    }
    for setting, values in paths.items():
        for path in values:
            try:
                import_string(path)
            except ImportError as error:
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


def _token_app() -> Iterator[CheckMessage]:
    try:
        app = import_string(conf.token_issuer).required_app
    except (ImportError, AttributeError):
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
