"""Signing in, or up, by a code that was sent to a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import DatabaseError, IntegrityError, router, transaction
from django.views.decorators.debug import sensitive_variables

from phone_referrals import statements
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import AccountDisabled, PhoneReferralsError, SignInRefused
from phone_referrals.signin.backend import Proof, prove, refused_by_database, require_phone_enough
from phone_referrals.tokens import BaseTokenIssuer, get_issuer

# Tries to create a user: another request may be faster.
TRIES = 10


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The user who signed in, whether it was created just now, and the answer of the token issuer."""

    user: Any
    created: bool
    token: dict[str, Any] = field(repr=False)


@sensitive_variables()
def sign_in(*, phone_number: str, code: str, request_id: str = "", issuer: BaseTokenIssuer | None = None) -> SignedIn:
    """Sign in the user of an E.164 number by the code sent to it; the first time, create the user.

    `request_id` is the handle that `request_code` returned to this client: without it, strangers can use up the
    guesses. `issuer` makes the token, and is bound to the request where there is one; by default it is the site's.
    Raises a `SignInError` or `Busy`.
    """
    issuer = issuer or get_issuer()
    try:
        signed_in = _enter(prove(phone_number=phone_number, code=code, request_id=request_id), issuer)
        if not issuer.logs_in:
            with _while_there_is(signed_in.user):  # Django's own receiver writes `last_login`.
                user_logged_in.send(type(signed_in.user), request=issuer.request, user=signed_in.user)
    except SignInRefused:
        raise  # `authenticate` has sent the signal.
    except PhoneReferralsError:
        credentials = {"phone_number": phone_number, "secret_code": "*" * 20}
        user_login_failed.send(__name__, credentials=credentials, request=issuer.request)
        raise
    return signed_in


def _enter(proof: Proof, issuer: BaseTokenIssuer) -> SignedIn:
    alias = router.db_for_write(get_user_model())
    for _ in range(TRIES):
        if proof.user is not None:
            with _while_there_is(proof.user):
                return _admit(proof, issuer)
        try:
            # A new user with a token, or neither.
            return statements.retried(partial(transaction.atomic(using=alias)(_admit), proof, issuer), using=alias)
        except IntegrityError:
            proof = replace(proof, user=get_accounts().find(proof.phone_number))
            if proof.user is not None:
                require_phone_enough(proof.user)
    raise refused_by_database()


@contextmanager
def _while_there_is(user: AbstractBaseUser) -> Iterator[None]:
    """Raise `AccountDisabled` for an error of the database where the user was deleted a moment ago."""
    try:
        yield
    except DatabaseError:
        users = get_user_model()._base_manager.using(router.db_for_write(get_user_model()))
        if users.filter(pk=user.pk).exists():
            raise
        raise AccountDisabled from None


def _admit(proof: Proof, issuer: BaseTokenIssuer) -> SignedIn:
    user = authenticate(issuer.request, phone_number=proof.phone_number, secret_code=proof)
    if user is None:
        raise SignInRefused
    created = proof.user is None
    return SignedIn(user=user, created=created, token=issuer.issue(user, created=created))
