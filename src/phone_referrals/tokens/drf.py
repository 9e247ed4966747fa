from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import authentication
from rest_framework.authtoken.models import Token

from phone_referrals.tokens.base import AdmissibleUsers, BaseTokenIssuer


class TokenAuthentication(AdmissibleUsers, authentication.TokenAuthentication):
    """Django REST framework's, for no staff: a user has one token, however the user signed in."""


class DRFTokenIssuer(BaseTokenIssuer):
    """Django REST framework's own tokens: one for each user, the same on every device, ended by logging out."""

    token_type = "Token"  # noqa: S105 - the name of a scheme, not a secret
    authentication_classes = (TokenAuthentication,)
    required_app = "rest_framework.authtoken"
    user_relations = ("auth_token",)

    def issue(self, user: Any, *, created: bool) -> dict[str, Any]:
        # A `post_save` receiver of the host, as DRF's documentation has one, leaves the token it made on the user.
        if created and not get_user_model().auth_token.is_cached(user):
            return {"token": Token.objects.create(user=user).key}
        token = getattr(user, "auth_token", None) or Token.objects.get_or_create(user=user)[0]
        return {"token": token.key}

    def revoke(self, user: Any) -> None:
        self.revoke_all(user)

    def revoke_all(self, user: Any) -> None:
        Token.objects.filter(user=user).delete()
        # Found with its token, the user would be issued that one again.
        joined = get_user_model().auth_token
        if joined.is_cached(user):
            joined.related.delete_cached_value(user)
