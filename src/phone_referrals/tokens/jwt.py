"""JSON web tokens of SimpleJWT (extra `jwt`): an access token of minutes and a refresh token for the next one.

The two of a sign-in, and all that are made of them by refreshing, are one family, named in each of them. What has ended
is kept in the table of SimpleJWT's blacklist: the name of a family, or of a user with a time, which ends all that was
signed in for before, by the host's own login too. `JWTAuthentication` looks there, so an access token ends at once, not
when its minutes are over; `TokenRefreshSerializer`, for SimpleJWT's own view, looks there too.
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

# Claims, of the tokens of sign-ins by phone only. `END` names the end of all tokens that the sign-in came after: so no
# clock says which of the two was first, and a token that is issued in the second of the end lives.
FAMILY, END = "family", "end"
AUTH_TIME = "auth_time"  # OpenID Connect Core 1.0, section 2: when the user signed in, whenever the token was made.

ENDED = _("This token has been ended.")


class JWTAuthentication(AdmissibleUsers, authentication.JWTAuthentication):
    """Refuses tokens that were ended. For its own views a host names it in its authentication classes."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        return FAMILY in token

    def get_user(self, validated_token: Token) -> Any:
        user = super().get_user(validated_token)
        _refuse_ended(validated_token, user)
        return user


class TokenRefreshSerializer(simplejwt.TokenRefreshSerializer):
    """Refuses refresh tokens that were ended; a host names it in `SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"]`.

    SimpleJWT's own does not know of families and users, and would refresh on and on.
    """

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        token, reader = self.token_class(attrs["refresh"]), JWTAuthentication()
        user = reader.get_user(token)
        reader.require_admissible(user, token)
        try:
            data = super().validate(attrs)
        except get_user_model().DoesNotExist:
            raise AuthenticationFailed(ENDED) from None
        # A token of the host's login is dated anew here, maybe after the moment that has ended it.
        _refuse_ended(token, user)
        return data


def _family(token: Token) -> str:
    return f"{FAMILY}:{token[FAMILY]}"


def _all_of(user: AbstractBaseUser) -> str:
    return f"user:{user.pk}"


def _outstanding() -> Any:
    # Not from a replica, which may not know yet of what was ended a moment ago.
    return OutstandingToken.objects.using(router.db_for_write(OutstandingToken))


def _end(name: str) -> None:
    """Keep that a family, or all of a user, has ended by now, for as long as a token of before may live."""
    # An access token that was made at the last moment, and SimpleJWT's leeway.
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
    # A token of the host's login has whole seconds: one of the second of the end may be of before.
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
            # A token of the host's login says nothing of the refresh token that came with it: all of the user end.
            _end(_family(self.auth) if FAMILY in self.auth else _all_of(user))

    def revoke_all(self, user: AbstractBaseUser) -> None:
        _end(_all_of(user))

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        # Of a sign-in by phone: what a host's login writes there is not known.
        if isinstance(self.auth, Token) and FAMILY in self.auth:
            return datetime.fromtimestamp(self.auth[AUTH_TIME], tz=UTC)
        return None
