"""Whether a user of the site may have a phone and nothing else."""

from collections.abc import Iterator
from contextlib import suppress
from inspect import getattr_static, isfunction
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.db.models import Model

from phone_referrals.accounts import PhoneAccounts, get_accounts, username_of
from phone_referrals.checks.ids import COLUMN_NOT_FILLED, NEW_USERS_REFUSED, USER_WITHOUT_TEXT
from phone_referrals.conf import conf

SAMPLE_NUMBER = "+12015550123"


def users_by_phone() -> Iterator[CheckMessage]:
    try:
        creates = type(get_accounts()).create
    except (ImportError, RuntimeError):
        return  # Another check says so.
    if creates is not PhoneAccounts.create:
        return
    model = get_user_model()
    yield from _unfilled_columns(model)
    try:
        user = model()
    except Exception:  # noqa: BLE001 - of the site's own code
        return
    yield from _refused_flags(user)
    yield from _missing_text(user)


def _unfilled_columns(model: type[Model]) -> Iterator[CheckMessage]:
    """Yield an error for each column that has to be filled and that nobody fills for a user who has only a phone."""
    unique = {each.fields for each in model._meta.total_unique_constraints}
    for field in model._meta.concrete_fields:
        is_unique = field.unique or (field.name,) in unique
        is_left_alone = field.null or field.primary_key or field.has_default() or field.has_db_default()
        is_filled = field.name == conf.phone_field or field == username_of(model)
        if is_unique and not (is_left_alone or is_filled):
            yield Error(
                f"The field {field.name!r} of {model._meta.label} must be another for each user, and has no default: "
                "the second user who signs up by phone is refused.",
                hint="Give it null=True and blank=True, keep None when the model is cleaned, and require it in forms "
                "and serializers of your own, which take it as optional: the how-to of existing users has the lines. "
                "Or give it a callable default; or name a class that fills it in PHONE_REFERRALS_ACCOUNTS. If your "
                "model fills it when it is saved, silence this check.",
                id=COLUMN_NOT_FILLED,
            )


def _refused_flags(user: Any) -> Iterator[CheckMessage]:
    """Yield an error for each flag by which a user who has just signed up may not sign in."""
    refusals = {"is_active": False} if type(get_accounts()).may_sign_in is PhoneAccounts.may_sign_in else {}
    refusals |= {} if conf.allow_staff else {"is_staff": True, "is_superuser": True}
    for name, refused in refusals.items():
        # A property may ask the database. A method is always true.
        value = getattr_static(user, name, None)
        if value is refused or (refused and isfunction(value)):
            yield Error(
                f"{name!r} is {refused} for each new {user._meta.label}, so those who sign up by phone are refused.",
                hint=f"Give it default={not refused}; make it a @property if it is a method; or set it in `create` of "
                "a class that PHONE_REFERRALS_ACCOUNTS names. If your model sets it when it is saved, silence this "
                "check.",
                id=NEW_USERS_REFUSED,
            )


def _missing_text(user: Any) -> Iterator[CheckMessage]:
    """Yield an error where the text of a user who has only a phone is not a text."""
    text: Any = ""
    with suppress(Exception):  # The site's own code may need a user that is saved.
        if "__" not in conf.phone_field:
            setattr(user, conf.phone_field, SAMPLE_NUMBER)
        text = user.__str__()  # Not str(), which fails where it is none.
    if not isinstance(text, str):
        yield Error(
            f"__str__ of {user._meta.label} returns {type(text).__name__} for a user that has only a phone: pages of "
            "the admin answer 500.",
            hint=f"Write in {type(user).__name__}: "
            'def __str__(self): return str(self.get_username() or f"user {self.pk}"). '
            "Below phone_referrals.base_user.PhoneUserMixin, a model needs no __str__ of its own.",
            id=USER_WITHOUT_TEXT,
        )
