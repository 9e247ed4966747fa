"""Signing in, or up, and entering a referral code on the way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import DatabaseError, IntegrityError, router, transaction
from django.views.decorators.debug import sensitive_variables

from phone_referrals import statements
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import AccountDisabled, PhoneReferralsError, SignInRefused
from phone_referrals.referrals import codes
from phone_referrals.referrals.redeem import redeem_first
from phone_referrals.signin.backend import Proof, prove, refused_by_database, require_phone_enough
from phone_referrals.tokens import BaseTokenIssuer, get_issuer

# A user is not created when another request was faster.
TRIES = 10


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who signed in, what the token issuer says, and what became of the referral code.

    `refusal` is why the code was not redeemed; `redeemed` is false too where none was entered.
    """

    user: Any
    created: bool
    token: dict[str, Any] = field(repr=False)
    redeemed: bool = False
    refusal: PhoneReferralsError | None = None


@sensitive_variables()
def sign_in(
    request: Any,
    *,
    phone_number: str,
    code: str,
    request_id: str = "",
    referral_code: str = "",
    invites: Sequence[str] = (),
    issuer: BaseTokenIssuer | None = None,
) -> SignedIn:
    """Sign in the user of an E.164 number by the code sent to it; the first time, create the user.

    `request_id` is what `request_code` returned to this client: without it, strangers can use up the guesses.
    A new user redeems the first valid one of `invites`, the codes of links that were followed, where `referral_code` is
    empty. The token is of the site's kind, unless `issuer` is of another. Raises a `SignInError` or `Busy`. A problem
    with a referral code is told in the result and costs nothing.
    """
    issuer = issuer or get_issuer()
    try:
        signed_in = _enter(request, prove(phone_number=phone_number, code=code, request_id=request_id), issuer)
        if not issuer.logs_in:
            with _while_there_is(signed_in.user):  # Django's own receiver writes `last_login`.
                user_logged_in.send(type(signed_in.user), request=request, user=signed_in.user)
    except SignInRefused:
        raise  # `authenticate` has told of it.
    except PhoneReferralsError:
        credentials = {"phone_number": phone_number, "secret_code": "*" * 20}
        user_login_failed.send(__name__, credentials=credentials, request=request)
        raise
    chosen = [referral_code] if referral_code else invites if signed_in.created else ()
    if not chosen:
        return signed_in
    try:
        redeem_first(signed_in.user, chosen)
    except PhoneReferralsError as refusal:
        return replace(signed_in, refusal=refusal)
    return replace(signed_in, redeemed=True)


def _enter(request: Any, proof: Proof, issuer: BaseTokenIssuer) -> SignedIn:
    for _ in range(TRIES):
        if proof.user is not None:
            with _while_there_is(proof.user):
                return _admit(request, proof, issuer, created=False)
        try:
            sign_up = partial(_sign_up, request, proof, issuer)
            return statements.retried(sign_up, using=router.db_for_write(get_user_model()))
        except IntegrityError:
            proof = replace(proof, user=get_accounts().find(proof.phone_number))
            if proof.user is not None:
                require_phone_enough(proof.user)
    raise refused_by_database()


def _sign_up(request: Any, proof: Proof, issuer: BaseTokenIssuer) -> SignedIn:
    with transaction.atomic(using=router.db_for_write(get_user_model())):
        signed_in = _admit(request, proof, issuer, created=True)
        codes.make_first(signed_in.user)
        return signed_in


@contextmanager
def _while_there_is(user: Any) -> Iterator[None]:
    """Raise `AccountDisabled` for an error of the database where the user was deleted a moment ago."""
    try:
        yield
    except DatabaseError:
        users = get_user_model()._base_manager.using(router.db_for_write(get_user_model()))
        if users.filter(pk=user.pk).exists():
            raise
        raise AccountDisabled from None


def _admit(request: Any, proof: Proof, issuer: BaseTokenIssuer, *, created: bool) -> SignedIn:
    user = authenticate(request, phone_number=proof.phone_number, secret_code=proof)
    if user is None:
        raise SignInRefused
    return SignedIn(user=user, created=created, token=issuer.issue(request, user, created=created))
