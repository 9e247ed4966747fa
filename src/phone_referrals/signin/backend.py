"""`authenticate(request, phone_number=…, secret_code=…, request_id=…)`: Django's door to sign-in by phone."""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from phone_referrals import phones, signals
from phone_referrals.accounts import get_accounts, require_admissible
from phone_referrals.exceptions import PhoneReferralsError, SecondFactorRequired
from phone_referrals.signin.verification import check_code

logger = logging.getLogger("phone_referrals")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A phone that was proven a moment ago, and its user then. It replaces the code, which is used up."""

    phone_number: str = field(repr=False)
    user: AbstractBaseUser | None = None


@sensitive_variables()
def prove(*, phone_number: str, code: str, request_id: str = "") -> Proof:
    """Check a sign-in code, and that its user may sign in. `request_id` is the handle of the message with the code.

    Raises the refusals of `check_code`, then those of `require_phone_enough`: only the owner of the phone sees these.
    """
    check_code(phone_number=phone_number, code=code, request_id=request_id)
    user = get_accounts().find(phone_number)
    if user is not None:
        require_phone_enough(user)
    return Proof(phone_number=phone_number, user=user)


def require_phone_enough(user: AbstractBaseUser) -> None:
    """Raise `AccountDisabled`, `StaffNotAllowed` or `SecondFactorRequired` for a user who may not sign in by phone."""
    require_admissible(user)
    if get_accounts().has_second_factor(user):
        raise SecondFactorRequired


def sign_up(request: HttpRequest | None, phone_number: str) -> AbstractBaseUser:
    """Create the user of a proven number; raises `IntegrityError` where another request was faster."""
    user = get_accounts().create(phone_number)
    # Not `on_commit(…, robust=True)`: Django 5.2 fails on its own when it logs the failure of a `partial`.
    announce = partial(signals.user_signed_up.send_robust, type(user), user=user, request=request)
    transaction.on_commit(announce, using=user._state.db)
    return user


def find_or_sign_up(request: HttpRequest | None, phone_number: str) -> AbstractBaseUser:
    """Return the user of a proven number, and create it unless another request has."""
    try:
        with transaction.atomic(using=router.db_for_write(get_user_model())):
            return sign_up(request, phone_number)
    except IntegrityError:
        user = get_accounts().find(phone_number)
    if user is None:
        raise refused_by_database()
    require_phone_enough(user)
    return user


def refused_by_database() -> ImproperlyConfigured:
    """Return an error for the developer that does not quote the row, as the database's own does."""
    return ImproperlyConfigured(
        "The database refused a new user. Call get_accounts().create(phone_number) in a shell to see why. If your user "
        "model requires more columns, a class in PHONE_REFERRALS_ACCOUNTS can fill them."
    )


class PhoneCodeBackend(ModelBackend):
    """Signs in users by a code sent to their phone, and creates the user of a new number.

    Django masks credentials whose name contains `secret`, hence `secret_code`. It is a code, or a `Proof` that the code
    was checked before the transaction that creates the user.
    """

    signs_in_by_phone = True  # Read by `phone_referrals.halves`, which imports neither half.

    @sensitive_variables()
    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        phone_number: str | None = None,
        secret_code: str | Proof | None = None,
        request_id: str = "",
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        if phone_number is None or secret_code is None:
            return None
        if isinstance(secret_code, Proof):
            return secret_code.user or sign_up(request, secret_code.phone_number)
        try:
            phone_number = phones.parse(phone_number)
            proof = prove(phone_number=phone_number, code=secret_code, request_id=request_id)
            return proof.user or find_or_sign_up(request, phone_number)
        except PhoneReferralsError as refusal:
            logger.debug("Sign-in by phone refused: %s", refusal.code)
            return None

    @sensitive_variables()
    async def aauthenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:  # type: ignore[override]
        # `ModelBackend` has one for passwords.
        # Without arguments: a `partial` of them would show the code in an error report.
        @sensitive_variables()
        def authenticate() -> AbstractBaseUser | None:
            return self.authenticate(request, **credentials)

        return await sync_to_async(authenticate)()

    def user_can_authenticate(self, user: AbstractBaseUser) -> bool:  # type: ignore[override]
        # Django asks for each request of a session: a user may be made staff, or be hidden, at any time.
        try:
            require_admissible(user)
        except PhoneReferralsError:
            return False
        return True

    async def aget_user(self, user_id: Any) -> Any:
        # `ModelBackend` would call the above in the event loop, where queries are not allowed.
        return await sync_to_async(self.get_user)(user_id)
