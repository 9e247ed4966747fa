"""Checks that a user of the site may have a phone and nothing else, and sign in by it."""

from collections.abc import Iterator
from contextlib import suppress
from inspect import getattr_static, isfunction
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.fields.reverse_related import OneToOneRel

from phone_referrals import phones
from phone_referrals.accounts import PhoneAccounts, get_accounts, username_of
from phone_referrals.checks.site import classes_of
from phone_referrals.conf import conf
from phone_referrals.signin.backend import PhoneCodeBackend

FORMATS = ("E164", "INTERNATIONAL", "RFC3966")
BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"
SAMPLE_NUMBER = "+12015550123"


def check() -> Iterator[CheckMessage]:
    yield from _phone_field()
    yield from _phone_formats()
    if not _is_overridden("create"):
        yield from _new_users()
    yield from _second_factor()
    yield from _backends()


def _is_overridden(name: str) -> bool:
    return getattr(type(get_accounts()), name) is not getattr(PhoneAccounts, name)


def _phone_field() -> Iterator[CheckMessage]:
    user = get_user_model()._meta.label
    model: type[models.Model] = get_user_model()
    *relations, name = conf.phone_field.split("__")
    try:
        for relation in relations:
            link = model._meta.get_field(relation)
            if not isinstance(link, OneToOneRel) or len(relations) > 1:
                raise FieldDoesNotExist  # noqa: TRY301
            model = link.related_model
        field: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        yield Error(
            f"The user model {user} has no field {conf.phone_field!r}.",
            hint="Add phone_referrals.base_user.PhoneUserMixin to it, or name a field in PHONE_REFERRALS_PHONE_FIELD: "
            "'mobile', or 'profile__phone' in a model with a OneToOneField to it.",
            id="phone_referrals.E006",
        )
        return
    if getattr(field, "primary_key", False):
        yield Error(
            f"The field {conf.phone_field!r} of {user} is a primary key, which others read and nobody can change.",
            hint="Give the model an id of its own, and this field unique=True.",
            id="phone_referrals.E007",
        )
    if phones.is_too_short(field):
        yield Error(
            f"The field {conf.phone_field!r} of {user} holds {field.max_length} characters, "
            f"and a phone number may have {phones.MAX_LENGTH}.",
            hint=f"Give it max_length={phones.MAX_LENGTH} or more, and migrate.",
            id="phone_referrals.E008",
        )
    constraints = [each.fields for each in model._meta.total_unique_constraints]
    if not getattr(field, "unique", False) and (name,) not in constraints:
        yield Error(
            f"The field {conf.phone_field!r} of {user} is not unique: one phone could have several users.",
            hint="Give it unique=True.",
            id="phone_referrals.E009",
        )


def _phone_formats() -> Iterator[CheckMessage]:
    for name in ("PHONENUMBER_DB_FORMAT", "PHONENUMBER_DEFAULT_FORMAT"):
        value = getattr(settings, name, "E164")
        if value not in FORMATS:
            yield Error(
                f"{name} is {value!r}, which drops the country code: numbers of two countries become one text.",
                hint=f'Remove {name}, or write {name} = "E164". To show national numbers, call `as_national`.',
                id="phone_referrals.E010",
            )


def _new_users() -> Iterator[CheckMessage]:
    """Yield the faults of users that `PhoneAccounts.create` makes."""
    model = get_user_model()
    yield from _unfilled_columns(model)
    try:
        user = model()
    except Exception:  # noqa: BLE001 - of the site's own code
        return
    yield from _refused_flags(user)
    yield from _missing_text(user)


def _unfilled_columns(model: type[models.Model]) -> Iterator[CheckMessage]:
    """Yield an error for each required column that is empty for a user who has only a phone."""
    unique = {each.fields for each in model._meta.total_unique_constraints}
    for field in model._meta.concrete_fields:
        is_unique = field.unique or (field.name,) in unique
        is_left_alone = field.null or field.primary_key or field.has_default() or field.has_db_default()
        is_filled = field.name == conf.phone_field or field == username_of(model)
        if is_unique and not (is_left_alone or is_filled):
            yield Error(
                f"The field {field.name!r} of {model._meta.label} is unique and has no default: the second user who "
                "signs up by phone is refused.",
                hint="Give it null=True, as the how-to of existing users shows, or a callable default, or name a class "
                "that fills it in PHONE_REFERRALS_ACCOUNTS. If save() fills it, silence this check.",
                id="phone_referrals.E011",
            )


def _refused_flags(user: AbstractBaseUser) -> Iterator[CheckMessage]:
    """Yield an error for each flag that refuses a user who has just signed up."""
    refusals = {} if _is_overridden("may_sign_in") else {"is_active": False}
    refusals |= {} if conf.allow_staff else {"is_staff": True, "is_superuser": True}
    for name, refused in refusals.items():
        # A property may ask the database. A method is always true.
        value = getattr_static(user, name, None)
        if value is refused or (refused and isfunction(value)):
            yield Error(
                f"{name!r} is {refused} for each new {user._meta.label}: users who sign up by phone are refused.",
                hint=f"Give it default={not refused}, make a method a @property, or set it in `create` of a class that "
                "PHONE_REFERRALS_ACCOUNTS names. If save() sets it, silence this check.",
                id="phone_referrals.E012",
            )


def _missing_text(user: AbstractBaseUser) -> Iterator[CheckMessage]:
    """Yield an error where `__str__` fails for a user who has only a phone."""
    text: Any = ""
    with suppress(Exception):  # The site's own code may need a user that is saved.
        if "__" not in conf.phone_field:
            setattr(user, conf.phone_field, SAMPLE_NUMBER)
        text = user.__str__()  # Not str(), which fails where it is none.
    if not isinstance(text, str):
        yield Error(
            f"__str__ of {user._meta.label} returns {type(text).__name__} for a user who has only a phone.",
            hint='Write: def __str__(self): return str(self.get_username() or f"user {self.pk}"). '
            "With phone_referrals.base_user.PhoneUserMixin a model needs none.",
            id="phone_referrals.E013",
        )


def _second_factor() -> Iterator[CheckMessage]:
    known = [app for app in ("allauth.mfa", "django_otp") if apps.is_installed(app)]
    if known and not _is_overridden("has_second_factor"):
        yield Info(
            f"Users who have a second factor of {' or '.join(known)} cannot sign in by phone alone.",
            hint="Offer them your other sign-in. To let them in, override has_second_factor in a class that "
            "PHONE_REFERRALS_ACCOUNTS names.",
            id="phone_referrals.I001",
        )


def _backends() -> Iterator[CheckMessage]:
    backends = [issubclass(each, PhoneCodeBackend) for each in classes_of(settings.AUTHENTICATION_BACKENDS)]
    if not any(backends):
        yield Error(
            "No backend in AUTHENTICATION_BACKENDS signs in by phone.",
            hint=f"Add {BACKEND!r} to it.",
            id="phone_referrals.E014",
        )
    elif all(backends) and apps.is_installed("django.contrib.admin"):
        yield Warning(
            "Nobody can log in to the admin: no backend in AUTHENTICATION_BACKENDS takes a password.",
            hint="Add 'django.contrib.auth.backends.ModelBackend' to AUTHENTICATION_BACKENDS.",
            id="phone_referrals.W010",
        )
