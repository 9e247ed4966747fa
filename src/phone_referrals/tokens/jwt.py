"""JSON web tokens of SimpleJWT (extra `jwt`): an access token of minutes and a refresh token for the next one.

The two of a sign-in, and all that are made of them by refreshing, are one family, named in each of them. Ending a
family writes it to SimpleJWT's own blacklist, and `JWTAuthentication` looks there: so an access token ends at once, not
when its minutes are over. The host's refreshing is SimpleJWT's own view.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token

from phone_referrals.tokens.base import BaseTokenIssuer

FAMILY = "family"
AUTH_TIME = "auth_time"  # OpenID Connect Core 1.0, section 2: when the user signed in, whenever the token was made.


def family_of(token: Token) -> str:
    """Return the family of a token; one that the host made in another way is its own."""
    return str(token.get(FAMILY) or token[api_settings.JTI_CLAIM])


def _entry_of(family: str) -> str:
    """Return the id of a family in the blacklist. Its first token has another, which rotation blacklists."""
    return f"{FAMILY}:{family}"


class JWTAuthentication(authentication.JWTAuthentication):
    """Refuses tokens of a family that was ended. For its own views a host names it in its authentication classes."""

    def get_user(self, validated_token: Token) -> Any:
        # Not from a replica, which may not know yet of what was ended a moment ago.
        ended = BlacklistedToken.objects.using(router.db_for_write(BlacklistedToken))
        if ended.filter(token__jti=_entry_of(family_of(validated_token))).exists():
            raise AuthenticationFailed(_("This token has been ended."))
        return super().get_user(validated_token)


class JWTIssuer(BaseTokenIssuer):
    """Issues an access token and a refresh token for each sign-in."""

    authentication_classes = (JWTAuthentication,)
    required_app = "rest_framework_simplejwt.token_blacklist"
    answer_fields = {
        "token": serializers.CharField(help_text="The access token."),
        "refresh": serializers.CharField(help_text="What SimpleJWT's refresh view takes."),
        "expires_in": serializers.IntegerField(help_text="Seconds until the access token ends."),
    }

    def __init__(self) -> None:
        self.token_type = api_settings.AUTH_HEADER_TYPES[0]

    def issue(self, request: Any, user: Any, *, created: bool) -> dict[str, Any]:
        refresh = RefreshToken.for_user(user)
        refresh[FAMILY] = refresh[api_settings.JTI_CLAIM]
        refresh[AUTH_TIME] = refresh["iat"]
        access = refresh.access_token
        seconds = int(access["exp"] - refresh["iat"])
        return {"token": str(access), "refresh": str(refresh), "expires_in": seconds}

    def revoke(self, request: Any) -> None:
        if isinstance(request.auth, Token):
            mine = family_of(request.auth)
            self._end(request.user, lambda family: family == mine)
            self._end_family(mine)  # The host may have made it in another way.

    def revoke_all(self, user: Any) -> None:
        self._end(user, bool)  # Every family has a name.

    def revoke_others(self, request: Any) -> dict[str, Any]:
        # SimpleJWT may bind tokens to the hash of the password, which may just have been changed.
        if api_settings.CHECK_REVOKE_TOKEN or not isinstance(request.auth, Token):
            return super().revoke_others(request)
        self._end(request.user, lambda family: family != family_of(request.auth))
        return {}

    def signed_in_at(self, request: Any) -> datetime | None:
        if isinstance(request.auth, Token) and AUTH_TIME in request.auth:
            return datetime.fromtimestamp(request.auth[AUTH_TIME], tz=UTC)
        return super().signed_in_at(request)

    def _end(self, user: Any, is_meant: Callable[[str], bool]) -> None:
        """End the refresh tokens of the families that are meant, and with them their access tokens."""
        tokens = OutstandingToken.objects.using(router.db_for_write(OutstandingToken))
        for outstanding in tokens.filter(user=user, expires_at__gt=timezone.now()):
            # The first of a family is kept as it was before it had a name, which is its own id.
            family = family_of(RefreshToken(outstanding.token, verify=False))  # type: ignore[arg-type]
            if is_meant(family):
                BlacklistedToken.objects.get_or_create(token=outstanding)
                self._end_family(family)

    def _end_family(self, family: str) -> None:
        # None of its tokens lives longer than one that was made now.
        values = {"token": "", "expires_at": timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME}
        entry, _created = OutstandingToken.objects.get_or_create(jti=_entry_of(family), defaults=values)
        BlacklistedToken.objects.get_or_create(token=entry)
