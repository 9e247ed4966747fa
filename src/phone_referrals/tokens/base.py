from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from phone_referrals.accounts import require_admissible
from phone_referrals.exceptions import PhoneReferralsError


class AdmissibleUsers(BaseAuthentication):
    """Base, before another, of the classes that read tokens: a token lets in whom a sign-in would let in by now."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        """Return whether the token may have come of a code sent to a phone, which is no proof for staff."""
        return True

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found:
            self.require_admissible(*found)
        return found

    def require_admissible(self, user: AbstractBaseUser, token: Any) -> None:
        """Raise `AuthenticationFailed` for a user who is not let in by this token."""
        try:
            require_admissible(user, by_phone=partial(self.proves_phone, user, token))
        except PhoneReferralsError as refusal:
            raise AuthenticationFailed(refusal.message, refusal.code) from None


@dataclass(frozen=True, kw_only=True)
class Session:
    """A sign-in that lives on, as its user is shown it. `key` is what it is found by and never shown."""

    key: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    user_agent: str
    is_current: bool

    @property
    def id(self) -> str:
        """Name the session to its user: whoever reads this can neither use the session nor find it."""
        return salted_hmac("phone_referrals.tokens.session", self.key, algorithm="sha256").hexdigest()[:32]


class BaseTokenIssuer(ABC):
    """Issues and revokes the tokens of one kind."""

    token_type: str
    """The word before the token in the `Authorization` header."""

    authentication_classes: ClassVar[Sequence[type[BaseAuthentication]]]
    """What reads the token from a request."""

    required_app: ClassVar[str] = ""
    """What must be in `INSTALLED_APPS`."""

    logs_in: ClassVar[bool] = False
    """Whether `issue` begins a session of Django: it sends `user_logged_in` itself, and the call needs a CSRF token."""

    lists_sessions: ClassVar[bool] = False
    """Whether `sessions` knows them."""

    answer_fields: ClassVar[Mapping[str, serializers.Field[Any, Any, Any, Any]]] = {"token": serializers.CharField()}
    """What `issue` returns, for the description of the API."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        """Bind the issuer to a request, Django's or REST framework's; without one, it is for a command or a task."""
        self.request: HttpRequest | None = getattr(request, "_request", request)
        self.auth = getattr(request, "auth", None)
        """The token that the request came with."""

    @abstractmethod
    def issue(self, user: AbstractBaseUser, *, created: bool) -> dict[str, Any]:
        """Return what the answer to a sign-in says: `token`, and what else the kind has.

        `created` says that the user was made in this very transaction, and so has no token yet.
        """

    @abstractmethod
    def revoke(self, user: AbstractBaseUser) -> None:
        """End the token that the request of `user` came with."""

    @abstractmethod
    def revoke_all(self, user: AbstractBaseUser) -> None:
        """End every token of the user."""

    def revoke_others(self, user: AbstractBaseUser) -> dict[str, Any]:
        """End every token of the user but the one that the request came with.

        Where that is not possible, end that one too; returned is what `issue` says of the one in its place.
        """
        self.revoke_all(user)
        return {} if self.auth is None else self.issue(user, created=False)

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        """Return when this very token was signed in for, or `None` where the token does not tell.

        `None` is no recent sign-in. The user's `last_login` would be: of a thief too, once the user signs in elsewhere.
        """
        return None

    def sessions(self, user: AbstractBaseUser) -> list[Session]:
        """Return the sessions of the user, newest first."""
        raise NotImplementedError

    def end_session(self, user: AbstractBaseUser, session: Session) -> None:
        """End one of `sessions`."""
        raise NotImplementedError


def utc(at: datetime) -> datetime:
    """Return a time that another package has stored in UTC, as it is without `USE_TZ` too."""
    return (timezone.make_aware(at) if timezone.is_naive(at) else at).astimezone(UTC)
