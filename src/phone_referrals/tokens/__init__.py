"""API tokens and sessions: their issuers, how a request authenticates with one, and how they end.

Other modules never ask for the kind of a token: they call `issuer_of(request)`. `tokens.knox` and `tokens.jwt` need the
packages of those names, so nothing here imports them.
"""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from phone_referrals.conf import conf
from phone_referrals.tokens.base import BaseTokenIssuer, Session
from phone_referrals.tokens.drf import DRFTokenIssuer
from phone_referrals.tokens.session import SessionIssuer, follow_key, has_readable_session


def get_issuer(request: HttpRequest | None = None) -> BaseTokenIssuer:
    """Return the issuer that `PHONE_REFERRALS_TOKEN_ISSUER` names."""
    issuer: BaseTokenIssuer = import_string(conf.token_issuer)(request)
    return issuer


def came_by_session(request: HttpRequest) -> bool:
    """Return whether a session has authenticated a request: every one of a page, and some of the API's."""
    authenticator = getattr(request, "successful_authenticator", None)
    return not isinstance(request, Request) or isinstance(authenticator, SessionAuthentication)


def issuer_of(request: HttpRequest) -> BaseTokenIssuer:
    """Return the issuer of the session or token that has authenticated a request."""
    return SessionIssuer(request) if came_by_session(request) else get_issuer(request)


def end_others(issuer: BaseTokenIssuer, user: AbstractBaseUser) -> dict[str, Any]:
    """End all tokens and sessions of a user but that of the issuer's request; return what `revoke_others` does."""
    for other in _kinds():
        if type(other) is not type(issuer):
            other.revoke_all(user)
    return issuer.revoke_others(user)


def end_all(user: AbstractBaseUser) -> None:
    """End all tokens and sessions of a user."""
    for issuer in _kinds():
        issuer.revoke_all(user)


def _kinds() -> list[BaseTokenIssuer]:
    """Return an issuer for each kind of the site: tokens for the API, and sessions for the pages."""
    issuer = get_issuer()
    return [issuer] if isinstance(issuer, SessionIssuer) else [issuer, SessionIssuer()]


__all__ = [
    "BaseTokenIssuer",
    "DRFTokenIssuer",
    "Session",
    "SessionIssuer",
    "came_by_session",
    "end_all",
    "end_others",
    "follow_key",
    "get_issuer",
    "has_readable_session",
    "issuer_of",
]
