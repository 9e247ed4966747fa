"""JSON web tokens of SimpleJWT (extra `jwt`): an access token of minutes and a refresh token for the next one.

The two of a sign-in, and all that are made of them by refreshing, are one family, named in each of them. Ending a
family writes it to SimpleJWT's own blacklist, and `JWTAuthentication` looks there: so an access token ends at once, not
when its minutes are over. The host's refreshing is SimpleJWT's own view, with `TokenRefreshSerializer`, which looks
there too.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt import serializers as simplejwt
from rest_framework_simplejwt.exceptions import TokenError
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


def _has_ended(family: str) -> bool:
    # Not from a replica, which may not know yet of what was ended a moment ago.
    ended = BlacklistedToken.objects.using(router.db_for_write(BlacklistedToken))
    return ended.filter(token__jti=_entry_of(family)).exists()


def _grace() -> timedelta:
    """Return how long a family may go on after its refresh token has expired, or was blacklisted by rotation.

    There is an access token that was made of it at the last moment, and SimpleJWT's leeway; and a refresh that has
    blacklisted it writes the next one a moment later.
    """
    lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
    return lifetime + timedelta(hours=1)


class JWTAuthentication(authentication.JWTAuthentication):
    """Refuses tokens of a family that was ended. For its own views a host names it in its authentication classes."""

    def get_user(self, validated_token: Token) -> Any:
        if _has_ended(family_of(validated_token)):
            raise AuthenticationFailed(_("This token has been ended."))
        return super().get_user(validated_token)


def _refuse_ended(family: str) -> None:
    if _has_ended(family):
        raise TokenError(_("This token has been ended."))


class TokenRefreshSerializer(simplejwt.TokenRefreshSerializer):
    """Refuses refresh tokens of a family that was ended; a host names it in `SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"]`.

    SimpleJWT's own looks for the token alone: one that was being made while its family was ended would go on for ever.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        family = family_of(self.token_class(attrs["refresh"]))
        _refuse_ended(family)
        try:
            data = super().validate(attrs)
        except get_user_model().DoesNotExist:
            raise TokenError(_("This token has been ended.")) from None
        # Whoever ended it meanwhile found its name, and not yet what was made here.
        _refuse_ended(family)
        return data


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
            # Whatever is found of it: the host may have made it in another way.
            self._end(request.user, lambda family: family == mine, also=[mine])

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

    def _end(self, user: Any, is_meant: Callable[[str], bool], *, also: Iterable[str] = ()) -> None:
        """End the families that are meant, and their refresh tokens, in as many statements whatever their number."""
        outstanding = OutstandingToken.objects.using(router.db_for_write(OutstandingToken))
        now, grace = timezone.now(), _grace()
        # Every rotation leaves one that is blacklisted. They say nothing of their family that the next one does not.
        unended = Q(blacklistedtoken=None) | Q(blacklistedtoken__blacklisted_at__gt=now - grace)
        tokens, families = [], set(also)
        for token in outstanding.filter(unended, user=user, expires_at__gt=now - grace):
            # The first of a family is kept as it was before it had a name, which is its own id.
            family = family_of(RefreshToken(token.token, verify=False))  # type: ignore[arg-type]
            if is_meant(family):
                tokens.append(token)
                families.add(family)
        ids = [_entry_of(family) for family in families]
        expires_at = now + api_settings.REFRESH_TOKEN_LIFETIME + grace
        entries = [OutstandingToken(jti=each, token="", expires_at=expires_at) for each in ids]
        OutstandingToken.objects.bulk_create(entries, ignore_conflicts=True)
        tokens += outstanding.filter(jti__in=ids)
        BlacklistedToken.objects.bulk_create([BlacklistedToken(token=each) for each in tokens], ignore_conflicts=True)
