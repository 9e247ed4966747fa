from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.utils.crypto import salted_hmac
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication


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

    user_relations: ClassVar[Sequence[str]] = ()
    """What a user is joined with when it is found, so that `issue` needs no statement of its own."""

    logs_in: ClassVar[bool] = False
    """Whether `issue` begins a session of Django: it sends `user_logged_in` itself, and the call needs a CSRF token."""

    lists_sessions: ClassVar[bool] = False
    """Whether `sessions` knows them."""

    answer_fields: ClassVar[Mapping[str, serializers.Field[Any, Any, Any, Any]]] = {"token": serializers.CharField()}
    """What `issue` returns, for the description of the API."""

    @abstractmethod
    def issue(self, request: Any, user: Any, *, created: bool) -> dict[str, Any]:
        """Return what the answer to a sign-in says: `token`, and what else the kind has.

        `created` says that the user was made in this very transaction, and so has no token yet.
        """

    @abstractmethod
    def revoke(self, request: Any) -> None:
        """End the token that the request came with."""

    @abstractmethod
    def revoke_all(self, user: Any) -> None:
        """End every token of the user."""

    def revoke_others(self, request: Any) -> dict[str, Any]:
        """End every token of the user but the one that the request came with.

        Where that is not possible, end that one too; returned is what `issue` says of the one in its place.
        """
        self.revoke_all(request.user)
        return {} if request.auth is None else self.issue(request._request, request.user, created=False)

    def signed_in_at(self, request: Any) -> datetime | None:
        """Return when whoever sent the request signed in: the user's latest sign-in, where the token does not tell."""
        at: datetime | None = getattr(request.user, "last_login", None)
        return at

    def sessions(self, request: Any) -> list[Session]:
        """Return the sessions of the user, newest first."""
        raise NotImplementedError

    def end_session(self, request: Any, session: Session) -> None:
        """End one of `sessions`."""
        raise NotImplementedError
