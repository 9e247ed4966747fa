"""API tokens: who issues them, how a request proves itself with one, and how they end."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token

from phone_referrals.conf import conf


class BaseTokenIssuer(ABC):
    """Issues and revokes the tokens of one kind."""

    token_type: ClassVar[str]
    """The word before the token in the `Authorization` header."""

    authentication_classes: ClassVar[Sequence[type[BaseAuthentication]]]
    """What reads the token from a request."""

    required_app: ClassVar[str] = ""
    """What must be in `INSTALLED_APPS`."""

    user_relations: ClassVar[Sequence[str]] = ()
    """What a user is joined with when it is found, so that `issue` needs no statement of its own."""

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


class DRFTokenIssuer(BaseTokenIssuer):
    """Django REST framework's own tokens: one for each user, the same on every device, ended by logging out."""

    token_type = "Token"  # noqa: S105 - the name of a scheme, not a secret
    authentication_classes = (TokenAuthentication,)
    required_app = "rest_framework.authtoken"
    user_relations = ("auth_token",)

    def issue(self, request: Any, user: Any, *, created: bool) -> dict[str, Any]:
        # A `post_save` receiver of the host, as DRF's documentation has one, leaves the token it made on the user.
        if created and not get_user_model().auth_token.is_cached(user):
            return {"token": Token.objects.create(user=user).key}
        token = getattr(user, "auth_token", None) or Token.objects.get_or_create(user=user)[0]
        return {"token": token.key}

    def revoke(self, request: Any) -> None:
        self.revoke_all(request.user)

    def revoke_all(self, user: Any) -> None:
        Token.objects.filter(user=user).delete()
        # Found with its token, the user would be issued that one again.
        joined = get_user_model().auth_token
        if joined.is_cached(user):
            joined.related.delete_cached_value(user)


def get_issuer() -> BaseTokenIssuer:
    """Return the issuer that `PHONE_REFERRALS_TOKEN_ISSUER` names."""
    issuer: BaseTokenIssuer = import_string(conf.token_issuer)()
    return issuer
