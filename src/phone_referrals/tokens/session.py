"""Sessions of Django, for a browser on the site's own domain: a cookie instead of a token."""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model, login, logout, update_session_auth_hash
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router
from django.http import HttpRequest
from rest_framework import authentication, serializers
from rest_framework.request import Request

from phone_referrals.tokens.base import AdmissibleUsers, BaseTokenIssuer, Session, utc
from phone_referrals.tokens.models import UserSession

KIND = "session"
SIGNED_IN = "phone_referrals_signed_in"  # The user's key, and the time.
KEPT_AS = "phone_referrals_kept_as"  # The key that `UserSession` has.


class SessionAuthentication(AdmissibleUsers, authentication.SessionAuthentication):
    """Django REST framework's class with its CSRF check, and a name for the header of a 401."""

    def proves_phone(self, user: AbstractBaseUser, token: Any) -> bool:
        return False  # `PhoneCodeBackend` has refused staff before the session began.

    def authenticate(self, request: Request) -> Any:
        answer = super().authenticate(request)
        if answer:
            follow_key(request._request, answer[0])
        return answer

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class SessionIssuer(BaseTokenIssuer):
    """Begins a session; there is no token. Needs a `SESSION_ENGINE` that keeps sessions on the server."""

    token_type = "session"  # noqa: S105 - the name of a kind, not a secret
    authentication_classes = (SessionAuthentication,)
    required_app = "django.contrib.sessions"
    logs_in = True
    lists_sessions = True
    answer_fields = {"token": serializers.CharField(allow_null=True, help_text="Null: the session is in a cookie.")}

    def issue(self, user: Any, *, created: bool) -> dict[str, Any]:
        if settings.SESSION_ENGINE.endswith("signed_cookies"):
            msg = "SESSION_ENGINE keeps sessions in cookies alone, where nobody can end them: name another engine."
            raise ImproperlyConfigured(msg)
        request = self.request
        if request is None:
            raise ImproperlyConfigured("A session begins in a request: give the issuer one.")
        before = request.session.session_key
        login(request, user)
        # Django keeps the key of the same user, and drops that of another: each sign-in needs one of its own.
        if request.session.session_key in {None, before}:
            request.session.cycle_key()
        key = request.session.session_key
        _mark(request.session, user)
        request.session[KEPT_AS] = key
        _live(user)  # Deletes the rows of sessions that have ended.
        UserSession.made_by(request, user=user, kind=KIND, key=key).save(force_insert=True)
        return {"token": None}

    def revoke(self, user: AbstractBaseUser) -> None:
        request: Any = self.request
        UserSession.objects.filter(key=request.session.session_key).delete()
        logout(request)

    def revoke_all(self, user: AbstractBaseUser, *, but: str | None = None) -> None:
        """End the sessions that began here; for a user without a password, change the hash that binds all sessions.

        Other users end the sessions that did not begin here by changing the password, as everywhere in Django.
        """
        for row, _session in _live(user):
            if row.key != but:
                _end(row.key)
        if not user.has_usable_password():
            user.set_unusable_password()
            model = get_user_model()
            model._base_manager.using(router.db_for_write(model)).filter(pk=user.pk).update(password=user.password)

    def revoke_others(self, user: Any) -> dict[str, Any]:
        request = self.request
        if request is None:
            self.revoke_all(user)
            return {}
        this = request.session.session_key
        self.revoke_all(user, but=this)
        update_session_auth_hash(request, user)
        UserSession.objects.filter(key=this).update(key=request.session.session_key)
        follow_key(request, user)
        return {}

    def signed_in_at(self, user: AbstractBaseUser) -> datetime | None:
        """Return when the user began this session; `None` if it has no mark, or another user's.

        A session that Django began counts only while it is the latest recorded sign-in. Tools by which staff
        impersonate a user also begin sessions, and record none.
        """
        session = getattr(self.request, "session", {})
        at, last_login = _began(session, user), getattr(user, "last_login", None)
        is_recorded = KEPT_AS in session or (last_login and at and abs(utc(last_login).timestamp() - at) < 1)
        return datetime.fromtimestamp(at, UTC) if at is not None and is_recorded else None

    def sessions(self, user: AbstractBaseUser) -> list[Session]:
        current = getattr(self.request, "session", None)
        return [
            Session(
                key=row.key,
                created_at=datetime.fromtimestamp(row.signed_in_at, UTC),
                expires_at=datetime.now(UTC) + timedelta(seconds=store.get_expiry_age()),
                user_agent=row.user_agent,
                is_current=current is not None and row.key == current.session_key,
            )
            for row, store in _live(user)
        ]

    def end_session(self, user: AbstractBaseUser, session: Session) -> None:
        _end(session.key)


def mark_login(*, request: HttpRequest | None, user: AbstractBaseUser, **kwargs: Any) -> None:
    """Mark a session that Django begins: a receiver of `user_logged_in`, which tokens send as well."""
    session = getattr(request, "session", {})
    if session.get(SESSION_KEY) == user._meta.pk.value_to_string(user):
        _mark(session, user)


def has_readable_session(request: HttpRequest) -> bool:
    """Return whether the database can look up the request's session: PostgreSQL refuses NUL bytes."""
    return "\0" not in request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def follow_key(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Record the new key of the request's session: Django changes it with the password and sends no signal."""
    session: Any = getattr(request, "session", {})
    if KEPT_AS not in session or session[KEPT_AS] == session.session_key:
        return
    began = _began(session, user)
    if began is None:
        return  # A session of staff who impersonate the user.
    row = UserSession.made_by(request, user=user, kind=KIND, key=session.session_key, signed_in_at=began)
    with suppress(IntegrityError):  # The user was deleted meanwhile.
        # Two requests may insert it: a conflict is no error, because the database's log would quote the key.
        UserSession.objects.bulk_create([row], ignore_conflicts=True)
    session[KEPT_AS] = session.session_key


def _live(user: AbstractBaseUser) -> list[tuple[UserSession, SessionBase]]:
    """Return the live sessions, newest first; delete the rows of the others."""
    live = []
    for row in UserSession.objects.of(user, KIND).order_by("-signed_in_at", "-pk"):
        store = _store(row.key)
        if _began(store, user) is not None:
            live.append((row, store))
        else:
            # A cache that is down loads nothing either; this raises then.
            store.exists(row.key)
            row.delete()
    return live


def _mark(session: Any, user: AbstractBaseUser) -> None:
    session[SIGNED_IN] = [str(user.pk), time.time()]


def _began(session: Any, user: AbstractBaseUser) -> float | None:
    """Return when the user began the session, in POSIX seconds; `None` if somebody else did."""
    key, at = session.get(SIGNED_IN, (None, None))
    return at if key == str(user.pk) else None


def _end(key: str) -> None:
    _store(key).delete()
    UserSession.objects.filter(key=key).delete()


def _store(key: str) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return store
