"""What the site has to have: a phone field, a backend, what settings name."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Info
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models, router
from django.db.models.fields.reverse_related import OneToOneRel
from django.utils.module_loading import import_string

from phone_referrals import phones
from phone_referrals.accounts import PhoneAccounts, get_accounts
from phone_referrals.checks.ids import (
    BACKEND_MISSING,
    ISOLATION_LEVEL_WRONG,
    PATH_NOT_IMPORTABLE,
    PHONE_FIELD_IS_KEY,
    PHONE_FIELD_MISSING,
    PHONE_FIELD_NOT_UNIQUE,
    PHONE_FIELD_TOO_SHORT,
    PHONE_FORMAT_WRONG,
    REFRESHED_AFTER_THE_END,
    SECOND_FACTOR_KEPT,
    TOKEN_APP_MISSING,
)
from phone_referrals.conf import conf
from phone_referrals.models import Referral
from phone_referrals.signin.backend import PhoneCodeBackend
from phone_referrals.tokens import get_issuer

FORMATS = ("E164", "INTERNATIONAL", "RFC3966")
# Modules that need an extra of the package.
EXTRAS = {
    "phone_referrals.sms.apprise": "apprise",
    "phone_referrals.tokens.jwt": "jwt",
    "phone_referrals.tokens.knox": "knox",
}
BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


def phone_field() -> Iterator[CheckMessage]:
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
    if getattr(field, "primary_key", False):
        yield Error(
            f"The field {conf.phone_field!r} of {get_user_model()._meta.label} is a primary key, by which other people "
            "read everybody's number, and which cannot be changed.",
            hint="Give the model an id of its own, and this field unique=True.",
            id=PHONE_FIELD_IS_KEY,
        )
    if phones.is_too_short(field):
        yield Error(
            f"The field {conf.phone_field!r} of {get_user_model()._meta.label} holds {field.max_length} characters, "  # type: ignore[union-attr]
            f"and a phone number may have {phones.MAX_LENGTH}: users with longer ones cannot sign up.",
            hint=f"Give it max_length={phones.MAX_LENGTH} or more, and migrate.",
            id=PHONE_FIELD_TOO_SHORT,
        )
    constraints = [each.fields for each in model._meta.total_unique_constraints]
    if not getattr(field, "unique", False) and (name,) not in constraints:
        yield Error(
            f"The field {conf.phone_field!r} of {get_user_model()._meta.label} is not unique, "
            "so one phone could have several users.",
            hint="Give it unique=True.",
            id=PHONE_FIELD_NOT_UNIQUE,
        )


def phone_formats() -> Iterator[CheckMessage]:
    for name in ("PHONENUMBER_DB_FORMAT", "PHONENUMBER_DEFAULT_FORMAT"):
        value = getattr(settings, name, "E164")
        if value not in FORMATS:
            yield Error(
                f"{name} is {value!r}, which loses the country code: numbers of two countries are one text, and the "
                "owner of one signs in as the owner of the other.",
                hint=f'Remove {name}, or write {name} = "E164". To show national numbers, call `as_national`.',
                id=PHONE_FORMAT_WRONG,
            )


def dotted_paths() -> Iterator[CheckMessage]:
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
                import_string(str(path))
            except (ImportError, RuntimeError) as error:  # Models of an app that is not installed are the latter.
                extra = EXTRAS.get(str(path).rpartition(".")[0])
                advice = f'Run: pip install "django-phone-referrals[{extra}]".' if extra else "Write one that can be."
                yield Error(
                    f"{setting} names {path!r}, which cannot be imported: {error}",
                    hint=f"{advice} It is a dotted path, such as 'accounts.rules.may_redeem'.",
                    id=PATH_NOT_IMPORTABLE,
                )


def token_app() -> Iterator[CheckMessage]:
    try:
        app = get_issuer().required_app
    except (ImportError, RuntimeError, AttributeError):
        return  # Another check says so, or the host's issuer needs no app.
    if app and not apps.is_installed(app):
        yield Error(
            f"PHONE_REFERRALS_TOKEN_ISSUER {conf.token_issuer!r} needs the app {app!r}.",
            hint=f"Add {app!r} to INSTALLED_APPS and migrate, or name another issuer.",
            id=TOKEN_APP_MISSING,
        )


def classes_of(paths: Iterable[str]) -> Iterator[type]:
    """Yield the classes that dotted paths name; Django says of the others itself that it cannot import them."""
    for path in paths:
        with suppress(ImportError):
            found = import_string(path)
            if isinstance(found, type):
                yield found


def refresh() -> Iterator[CheckMessage]:
    try:
        jwt = import_module("phone_referrals.tokens.jwt")
        serializer = import_string(jwt.api_settings.TOKEN_REFRESH_SERIALIZER)
        refreshes = isinstance(get_issuer(), jwt.JWTIssuer) and not issubclass(serializer, jwt.TokenRefreshSerializer)
    except (ImportError, RuntimeError):
        return  # SimpleJWT is not installed, or another check says what is wrong.
    if refreshes:
        yield Error(
            "SimpleJWT refreshes the tokens of users who have logged out.",
            hint='Set SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"] to "phone_referrals.tokens.jwt.TokenRefreshSerializer".',
            id=REFRESHED_AFTER_THE_END,
        )


def second_factor() -> Iterator[CheckMessage]:
    known = [app for app in ("allauth.mfa", "django_otp") if apps.is_installed(app)]
    try:
        decides = type(get_accounts()).has_second_factor is PhoneAccounts.has_second_factor
    except (ImportError, RuntimeError):
        return  # Another check says so.
    if known and decides:
        yield Info(
            f"Users who have a second factor of {' or '.join(known)} are refused to sign in by phone alone.",
            hint="Offer them your other sign-in. To let them in, override has_second_factor in a class that "
            "PHONE_REFERRALS_ACCOUNTS names.",
            id=SECOND_FACTOR_KEPT,
        )


def backend() -> Iterator[CheckMessage]:
    if any(issubclass(each, PhoneCodeBackend) for each in classes_of(settings.AUTHENTICATION_BACKENDS)):
        return
    yield Error(
        "No backend in AUTHENTICATION_BACKENDS signs in by phone.",
        hint=f"Add {BACKEND!r} to it.",
        id=BACKEND_MISSING,
    )


def isolation_level() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Referral)
    options = connections[alias].settings_dict["OPTIONS"]
    level = options.get("isolation_level")
    if level is None and "isolation_level" in options and connections[alias].vendor == "mysql":
        level = "REPEATABLE READ"  # That of the server, as Django's documentation has it.
    # psycopg's levels have names; they are compared so that it need not be installed.
    if level is not None and getattr(level, "name", str(level)).upper().replace(" ", "_") != "READ_COMMITTED":
        yield Error(
            f"The database {alias!r} has the isolation level {getattr(level, 'name', level)}.",
            hint="Referrals are kept free of circles by locks, which need READ COMMITTED. It is the default.",
            id=ISOLATION_LEVEL_WRONG,
        )
