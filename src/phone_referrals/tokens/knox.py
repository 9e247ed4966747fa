"""Tokens of django-rest-knox (extra `knox`): hashed at rest, expiring, one for each device."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from knox import auth
from knox.models import get_token_model
from knox.settings import knox_settings
from rest_framework import serializers

from phone_referrals.tokens.base import AdmissibleUsers, BaseTokenIssuer, Session, utc
from phone_referrals.tokens.models import UserSession

KIND = "knox"


class TokenAuthentication(AdmissibleUsers, auth.TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """knox's own class, which admits staff only by tokens of the host's own sign-in."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        return UserSession.objects.of(user, KIND).filter(key=token.digest).exists()


class KnoxTokenIssuer(BaseTokenIssuer):
    """Issues a token for each sign-in. Users can list their tokens and end any of them."""

    authentication_classes = (TokenAuthentication,)
    required_app = "knox"
    lists_sessions = True
    answer_fields = {
        "token": serializers.CharField(),
        "expires_in": serializers.IntegerField(allow_null=True, help_text="Seconds; null is never."),
    }

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.token_type = knox_settings.AUTH_HEADER_PREFIX

    def issue(self, user: AbstractBaseUser, *, created: bool) -> dict[str, Any]:
        limit = knox_settings.TOKEN_LIMIT_PER_USER
        if limit is not None and not created:
            # knox would refuse the sign-in, and the other devices may not be at hand.
            oldest = self._live(user)[max(limit - 1, 0) :]
            self._tokens(user).filter(pk__in=[token.pk for token in oldest]).delete()
        token, text = get_token_model().objects.create(user=user)
        UserSession.made_by(self.request, user=user, kind=KIND, key=token.digest).save(force_insert=True)
        # knox deletes tokens that have expired.
        UserSession.objects.of(user, KIND).exclude(key__in=self._tokens(user).values("digest")).delete()
        ttl = knox_settings.TOKEN_TTL
        return {"token": text, "expires_in": None if ttl is None else int(ttl.total_seconds())}

    def revoke(self, user: AbstractBaseUser) -> None:
        self._tokens(user).filter(pk=self._current).delete()

    def revoke_all(self, user: AbstractBaseUser) -> None:
        self._tokens(user).delete()

    def revoke_others(self, user: AbstractBaseUser) -> dict[str, Any]:
        self._tokens(user).exclude(pk=self._current).delete()
        return {}

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        # Only for a sign-in by phone. Without USE_TZ knox keeps local times, which are ambiguous for an hour a year.
        row = UserSession.objects.of(user, KIND).filter(key=getattr(self.auth, "digest", None)).first()
        return datetime.fromtimestamp(row.signed_in_at, UTC) if row else None

    def sessions(self, user: AbstractBaseUser) -> list[Session]:
        rows = {row.key: row for row in UserSession.objects.of(user, KIND)}
        return [self._session(token, rows.get(token.digest)) for token in self._live(user)]

    def end_session(self, user: AbstractBaseUser, session: Session) -> None:
        self._tokens(user).filter(digest=session.key).delete()

    def _session(self, token: Any, row: UserSession | None) -> Session:
        return Session(
            key=token.digest,
            created_at=datetime.fromtimestamp(row.signed_in_at, UTC) if row else utc(token.created),
            expires_at=token.expiry and utc(token.expiry),
            user_agent=row.user_agent if row else "",
            is_current=token.pk == self._current,
        )

    def _tokens(self, user: AbstractBaseUser) -> QuerySet[Any]:
        # Not from a replica, which may lag behind a sign-in or an end.
        tokens: QuerySet[Any] = get_token_model().objects.using(router.db_for_write(get_token_model()))
        return tokens.filter(user=user)

    def _live(self, user: AbstractBaseUser) -> QuerySet[Any]:
        unexpired = Q(expiry__isnull=True) | Q(expiry__gt=timezone.now())
        return self._tokens(user).filter(unexpired).order_by("-created", "pk")

    @property
    def _current(self) -> str | None:
        """The key of the request's token; `None` if the request has a session instead."""
        return self.auth.pk if isinstance(self.auth, get_token_model()) else None
