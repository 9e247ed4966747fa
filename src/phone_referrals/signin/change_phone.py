"""Changing one's phone: a code proves the new one, and another the old one unless the sign-in is recent."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from phone_referrals import signals
from phone_referrals.accounts import get_accounts, lock, provable_phone_of
from phone_referrals.conf import conf
from phone_referrals.exceptions import PhoneTaken, ProofRequired, ResendTooSoon, SamePhone
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.delivery import tell_of_change
from phone_referrals.signin.verification import CodeSent, check_code, request_code
from phone_referrals.tokens import BaseTokenIssuer, end_others

TRIES = 3
NO_OLD_PHONE = _("Sign in again to add a phone.")


@dataclass(frozen=True, kw_only=True)
class ChangeRequested(CodeSent):
    """The code for the new phone. `current_code_required`: the old phone was sent one too, and both are asked for."""

    current_code_required: bool = False
    current_code: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class PhoneChanged:
    """The user with the new phone, and the token that replaces the one of the request: empty if that one lives on."""

    user: Any
    token: dict[str, Any] = field(repr=False)


@sensitive_variables()
def request_change(
    user: AbstractBaseUser,
    *,
    phone_number: str,
    issuer: BaseTokenIssuer,
    host: str,
    address: str = "",
    data: Mapping[str, Any] = {},
) -> ChangeRequested:
    """Send a code to the new phone, an E.164 number, and one to the old phone unless the sign-in is recent.

    It does not check whether somebody else has the number. Raises `SamePhone`, `ProofRequired` where there is no old
    phone, or the refusals of `request_code`.
    """
    current, is_recent = _current_phone(user, phone_number), has_signed_in_recently(user, issuer)
    if not (is_recent or current):
        raise ProofRequired(NO_OLD_PHONE)
    ask = partial(request_code, user=user, host=host, address=address, data=data)
    sent = ask(phone_number=phone_number, purpose=Purpose.CHANGE_PHONE)
    if is_recent:
        return ChangeRequested(**vars(sent))
    try:
        code = ask(phone_number=current, purpose=Purpose.CONFIRM_CHANGE).code
    except ResendTooSoon:
        code = ""  # The one that was sent a moment ago will do.
    return ChangeRequested(**vars(sent), current_code_required=True, current_code=code)


@sensitive_variables()
def change_phone(
    user: AbstractBaseUser, *, phone_number: str, code: str, issuer: BaseTokenIssuer, host: str, current_code: str = ""
) -> PhoneChanged:
    """Give a user another phone, tell the old one, and end all tokens and sessions but the one `issuer` is bound to.

    Raises `SamePhone`, `ProofRequired`, the refusals of `check_code` for either code, `PhoneTaken` once the phone is
    proven, or `AccountDisabled` for a user who was deleted meanwhile.
    """
    current = _current_phone(user, phone_number)
    must_prove = not has_signed_in_recently(user, issuer)
    if must_prove and not (current and current_code):
        raise ProofRequired(None if current else NO_OLD_PHONE)
    # The new phone first: a wrong guess at the old one's code costs a thief a message, and a mistake in the new one's
    # does not cost the user the proof of the old.
    check_code(phone_number=phone_number, code=code, purpose=Purpose.CHANGE_PHONE, user=user)
    # Not left to the database, whose log would quote the number.
    if get_accounts().find(phone_number) is not None:
        raise PhoneTaken
    if must_prove:
        check_code(phone_number=current, code=current_code, purpose=Purpose.CONFIRM_CHANGE, user=user)
    changed, old = _change(user, phone_number, issuer)
    tell_of_change(old_phone_number=old, new_phone_number=phone_number, host=host)
    return changed


def has_signed_in_recently(user: AbstractBaseUser, issuer: BaseTokenIssuer) -> bool:
    """Return whether the sign-in behind the request is within `PHONE_REFERRALS_RECENT_SIGN_IN`."""
    at = issuer.signed_in_at(user)
    return at is not None and abs(time.time() - at.timestamp()) < conf.recent_sign_in


def _current_phone(user: AbstractBaseUser, phone_number: str) -> str:
    current = provable_phone_of(user)
    if current == phone_number:
        raise SamePhone
    return current


def _change(user: AbstractBaseUser, phone_number: str, issuer: BaseTokenIssuer) -> tuple[PhoneChanged, str]:
    """Write the new phone; return the old one too."""
    for _try in range(TRIES):
        try:
            with transaction.atomic(using=router.db_for_write(get_user_model())):
                locked = lock(user)
                old = provable_phone_of(locked)
                signals.phone_left.send(type(locked), user=locked, phone_number=old, is_deleted=False)
                get_accounts().set_phone(locked, phone_number)
                token = end_others(issuer, locked)
                values = {"user": locked, "old_phone_number": old, "new_phone_number": phone_number}
                # Not `on_commit(…, robust=True)`: Django 5.2 fails on its own when it logs the failure of a `partial`.
                announce = partial(signals.phone_changed.send_robust, type(locked), **values)
                transaction.on_commit(announce, using=locked._state.db)
            return PhoneChanged(user=locked, token=token), old
        except IntegrityError:  # Another request was faster; or its user has been deleted since.
            if get_accounts().find(phone_number) is not None:
                raise PhoneTaken from None
    # Not the error of the database, whose words quote the row.
    msg = "The database refused to change a phone. Call get_accounts().set_phone(user, phone_number) to see why."
    raise ImproperlyConfigured(msg)
