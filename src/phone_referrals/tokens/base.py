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
    """Mixin of the authentication classes: refuses the token of a user whom a sign-in would refuse now."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        """Return whether the token may come from a code sent to a phone, which does not suffice for staff."""
        return True

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found:
            self.require_admissible(*found)
        return found

    def require_admissible(self, user: AbstractBaseUser, token: Any) -> None:
        """Raise `AuthenticationFailed` if this token does not admit the user."""
        try:
            require_admissible(user, by_phone=partial(self.proves_phone, user, token))
        except PhoneReferralsError as refusal:
            raise AuthenticationFailed(refusal.message, refusal.code) from None


@dataclass(frozen=True, kw_only=True)
class Session:
    """A place where a user is signed in. `key` finds the session; it is never shown."""

    key: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None
    user_agent: str
    is_current: bool

    @property
    def id(self) -> str:
        """The name that users see. It neither opens the session nor finds it."""
        return salted_hmac("phone_referrals.tokens.session", self.key, algorithm="sha256").hexdigest()[:32]


class BaseTokenIssuer(ABC):
    """Issues and revokes the tokens of one kind."""

    token_type: str
    """The word before the token in the `Authorization` header."""

    authentication_classes: ClassVar[Sequence[type[BaseAuthentication]]]
    """The classes that authenticate a request by the token."""

    required_app: ClassVar[str] = ""
    """The app that must be in `INSTALLED_APPS`."""

    logs_in: ClassVar[bool] = False
    """Whether `issue` begins a session of Django: it sends `user_logged_in`, and the request needs a CSRF token."""

    lists_sessions: ClassVar[bool] = False
    """Whether `sessions` can list them."""

    answer_fields: ClassVar[Mapping[str, serializers.Field[Any, Any, Any, Any]]] = {"token": serializers.CharField()}
    """The fields that `issue` returns, for the description of the API."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        """Bind the issuer to a request, of Django or REST framework. Commands and tasks have none."""
        self.request: HttpRequest | None = getattr(request, "_request", request)
        self.auth = getattr(request, "auth", None)
        """The token of the request."""

    @abstractmethod
    def issue(self, user: AbstractBaseUser, *, created: bool) -> dict[str, Any]:
        """Return the fields of the answer to a sign-in: `token`, and others that the kind has.

        `created`: the user was created in this transaction, and so has no token yet.
        """

    @abstractmethod
    def revoke(self, user: AbstractBaseUser) -> None:
        """End the token of the request."""

    @abstractmethod
    def revoke_all(self, user: AbstractBaseUser) -> None:
        """End every token of the user."""

    def revoke_others(self, user: AbstractBaseUser) -> dict[str, Any]:
        """End every token of the user but that of the request.

        A kind that cannot keep it ends it too, and returns what `issue` says of the new one.
        """
        self.revoke_all(user)
        return {} if self.auth is None else self.issue(user, created=False)

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        """Return the time of the sign-in behind this token, or `None` if the token does not tell.

        `None` counts as no recent sign-in. `last_login` is no substitute: when the user signs in elsewhere, it makes a
        thief's old token look recent.
        """
        return None

    def sessions(self, user: AbstractBaseUser) -> list[Session]:
        """Return the sessions of the user, newest first."""
        raise NotImplementedError

    def end_session(self, user: AbstractBaseUser, session: Session) -> None:
        """End one of `sessions`."""
        raise NotImplementedError


def utc(at: datetime) -> datetime:
    """Return in UTC a time that another package has stored, with or without `USE_TZ`."""
    return (timezone.make_aware(at) if timezone.is_naive(at) else at).astimezone(UTC)
