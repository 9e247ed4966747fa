from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from rest_framework import authentication
from rest_framework.authtoken.models import Token

from phone_referrals import statements
from phone_referrals.tokens.base import AdmissibleUsers, BaseTokenIssuer


class TokenAuthentication(AdmissibleUsers, authentication.TokenAuthentication):
    """Django REST framework's class, which refuses staff: a user has one token for all kinds of sign-in."""


class DRFTokenIssuer(BaseTokenIssuer):
    """Django REST framework's own tokens: one for each user, the same on every device. Logging out ends it."""

    token_type = "Token"  # noqa: S105 - the name of a scheme, not a secret
    authentication_classes = (TokenAuthentication,)
    required_app = "rest_framework.authtoken"

    def issue(self, user: Any, *, created: bool) -> dict[str, Any]:
        # A host's `post_save` receiver, as in DRF's documentation, leaves its token on the user.
        if created and not get_user_model().auth_token.is_cached(user):
            return {"token": Token.objects.create(user=user).key}
        alias = router.db_for_write(Token)
        token = statements.read(Token, using=alias, where={"user": user.pk})
        return {"token": (token or Token.objects.using(alias).get_or_create(user=user)[0]).key}

    def revoke(self, user: AbstractBaseUser) -> None:
        self.revoke_all(user)

    def revoke_all(self, user: AbstractBaseUser) -> None:
        Token.objects.filter(user_id=user.pk).delete()
