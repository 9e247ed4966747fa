"""JSON web tokens of SimpleJWT (extra `jwt`): an access token of minutes and a refresh token for the next one.

Both tokens of a sign-in, and all tokens refreshed from them, belong to one family, which each of them names. The table
of SimpleJWT's blacklist keeps the names of families that have ended. For a user it keeps a time, which ends all tokens
of earlier sign-ins, those of the host's own login too. `JWTAuthentication` reads that table, so an access token ends at
once; `TokenRefreshSerializer`, for SimpleJWT's own view, reads it too.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt import serializers as simplejwt
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token
from rest_framework_simplejwt.utils import aware_utcnow

from phone_referrals.tokens.base import AdmissibleUsers, BaseTokenIssuer

# Claims of tokens that a sign-in by phone has issued. `END` names the latest end of all the user's tokens before the
# sign-in. So the order does not depend on a clock, and a token issued in the same second as the end is valid.
FAMILY, END = "family", "end"
AUTH_TIME = "auth_time"  # OpenID Connect Core 1.0, section 2: when the user signed in, whenever the token was made.

ENDED = _("This token has been ended.")


class JWTAuthentication(AdmissibleUsers, authentication.JWTAuthentication):
    """Refuses tokens that have ended. A host names it in its authentication classes, for its own views."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        return FAMILY in token

    def get_user(self, validated_token: Token) -> Any:
        user = super().get_user(validated_token)
        _refuse_ended(validated_token, user)
        return user


class TokenRefreshSerializer(simplejwt.TokenRefreshSerializer):
    """Refuses refresh tokens that have ended. A host names it in `SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"]`.

    SimpleJWT's own class does not know families and would refresh for ever.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token, reader = self.token_class(attrs["refresh"]), JWTAuthentication()
        user = reader.get_user(token)
        reader.require_admissible(user, token)
        try:
            data = super().validate(attrs)
        except get_user_model().DoesNotExist:
            raise AuthenticationFailed(ENDED) from None
        # SimpleJWT has just given a token of the host's login a new date, which may be later than its end.
        _refuse_ended(token, user)
        return data


def _family(token: Token) -> str:
    return f"{FAMILY}:{token[FAMILY]}"


def _all_of(user: AbstractBaseUser) -> str:
    return f"user:{user.pk}"


def _outstanding() -> Any:
    # Not from a replica, which may lag behind an end.
    return OutstandingToken.objects.using(router.db_for_write(OutstandingToken))


def _end(name: str) -> None:
    """Record the end of a family, or of all tokens of a user, for as long as an older token may live."""
    # For an access token made at the last moment, and SimpleJWT's leeway.
    grace = api_settings.ACCESS_TOKEN_LIFETIME + timedelta(hours=1)
    end = {
        "token": f"{time.time()} {secrets.token_hex(8)}",
        "expires_at": aware_utcnow() + api_settings.REFRESH_TOKEN_LIFETIME + grace,
    }
    _outstanding().bulk_create([OutstandingToken(jti=name, **end)], ignore_conflicts=True)
    _outstanding().filter(jti=name).update(**end)


def _refuse_ended(token: Token, user: AbstractBaseUser) -> None:
    names = [_all_of(user), *([_family(token)] if FAMILY in token else [])]
    ends = dict(_outstanding().filter(jti__in=names).values_list("jti", "token"))
    end = ends.pop(_all_of(user), "")
    # The host's login writes whole seconds: a token of the same second may be older than the end.
    is_of_before = token.get(END) != end if FAMILY in token else token["iat"] <= float(end.partition(" ")[0] or 0)
    if ends or (end and is_of_before):
        raise AuthenticationFailed(ENDED)


class JWTIssuer(BaseTokenIssuer):
    """Issues an access token and a refresh token for each sign-in."""

    authentication_classes = (JWTAuthentication,)
    required_app = "rest_framework_simplejwt.token_blacklist"
    answer_fields = {
        "token": serializers.CharField(help_text="The access token."),
        "refresh": serializers.CharField(help_text="What SimpleJWT's refresh view takes."),
        "expires_in": serializers.IntegerField(help_text="Seconds until the access token ends."),
    }

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.token_type = api_settings.AUTH_HEADER_TYPES[0]

    def issue(self, user: AbstractBaseUser, *, created: bool) -> dict[str, Any]:
        refresh = RefreshToken.for_user(user)
        refresh[FAMILY] = refresh[api_settings.JTI_CLAIM]
        refresh[AUTH_TIME] = refresh["iat"]
        if not created:
            refresh[END] = _outstanding().filter(jti=_all_of(user)).values_list("token", flat=True).first()
        access = refresh.access_token
        seconds = int(access["exp"] - refresh["iat"])
        return {"token": str(access), "refresh": str(refresh), "expires_in": seconds}

    def revoke(self, user: AbstractBaseUser) -> None:
        if isinstance(self.auth, Token):
            # A token of the host's login does not name its refresh token, so all tokens of the user end.
            _end(_family(self.auth) if FAMILY in self.auth else _all_of(user))

    def revoke_all(self, user: AbstractBaseUser) -> None:
        _end(_all_of(user))

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        # Only for a sign-in by phone: a host's login may write anything there.
        if isinstance(self.auth, Token) and FAMILY in self.auth:
            return datetime.fromtimestamp(self.auth[AUTH_TIME], tz=UTC)
        return None
