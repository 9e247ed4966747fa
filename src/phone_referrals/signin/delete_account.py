"""Deleting one's own account, by a code sent to its phone."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, router, transaction
from django.db.models import ProtectedError, RestrictedError
from django.views.decorators.debug import sensitive_variables

from phone_referrals import statements
from phone_referrals.accounts import get_accounts, lock, provable_phone_of
from phone_referrals.exceptions import CodeExpired, DeletionRefused, NoPhone
from phone_referrals.signals import phone_left
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.verification import CodeSent, check_code, request_code
from phone_referrals.tokens import end_all

logger = logging.getLogger("phone_referrals")


def request_deletion(user: AbstractBaseUser, *, host: str, address: str = "", data: Mapping[str, Any] = {}) -> CodeSent:
    """Send the code; raises `NoPhone`, `DeletionRefused` or the refusals of `request_code`."""
    phone_number = _phone_of(user)
    get_accounts().require_deletable(user)  # Before a message is sent in vain.
    return request_code(
        phone_number=phone_number,
        purpose=Purpose.DELETE_ACCOUNT,
        user=user,
        host=host,
        address=address,
        data=data,
    )


@sensitive_variables()
def delete_account(
    user: AbstractBaseUser,
    *,
    code: str,
    around: AbstractContextManager[None] = nullcontext(),  # noqa: B008 - reusable
) -> None:
    """End every token and session of the user and call `PhoneAccounts.delete`, all of it or nothing.

    `around` is entered once the code is proven, and left after the commit. A row that is still there has no phone then,
    so that its owner can sign up anew.
    Raises `NoPhone`, the refusals of `check_code`, `CodeExpired` where the phone was changed meanwhile,
    `DeletionRefused` where rows of the host protect the user, or `AccountDisabled` where it was deleted meanwhile.
    """
    phone_number = _phone_of(user)
    check_code(phone_number=phone_number, code=code, purpose=Purpose.DELETE_ACCOUNT, user=user)
    alias, committed = router.db_for_write(get_user_model()), Event()
    try:
        with around, transaction.atomic(using=alias):
            # The first of the hooks: an error in a later hook of the host is no refusal.
            transaction.on_commit(committed.set, using=alias)
            locked = lock(user)
            if provable_phone_of(locked) != phone_number:
                raise CodeExpired  # Another request has changed the phone that the code proved.
            # Before the host deletes anything: it may begin with the phone.
            phone_left.send(type(locked), user=locked, phone_number=phone_number, is_deleted=False)
            end_all(locked)
            get_accounts().delete(locked)
            _let_go(user.pk, phone_number)
    except IntegrityError as error:
        is_known = isinstance(error, ProtectedError | RestrictedError)
        if committed.is_set() or not (is_known or statements.broke_foreign_key(error)):
            raise
        if not is_known:
            # Django knows nothing of the key, or defers it: some databases refuse it when the deletion is committed.
            constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or "a foreign key"
            logger.error("Account not deleted: %s", constraint)  # noqa: TRY400 - its words may quote the row
        raise DeletionRefused from None


def _let_go(key: Any, phone_number: str) -> None:
    """Take the phone off a row that the site keeps, so that its owner can sign up anew."""
    model, accounts = get_user_model(), get_accounts()
    for user in accounts.join(model._base_manager.using(router.db_for_write(model)).filter(pk=key)):
        phone_left.send(model, user=user, phone_number=phone_number, is_deleted=True)
        if provable_phone_of(user) == phone_number:
            accounts.set_phone(user, None)


def _phone_of(user: AbstractBaseUser) -> str:
    phone_number = provable_phone_of(user)
    if not phone_number:
        raise NoPhone
    return phone_number
