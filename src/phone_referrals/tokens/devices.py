"""What was used to sign in: the packages that issue tokens do not keep it."""

from typing import Any

from django.db import router
from django.db.models import QuerySet

from phone_referrals.models import UserSession


def of(user: Any, kind: str) -> QuerySet[UserSession]:
    """Return what the user signed in with, for one kind of token; not from a replica, which may not know yet."""
    return UserSession.objects.using(router.db_for_write(UserSession)).filter(user=user, kind=kind)


def remember(user: Any, kind: str, key: str, request: Any) -> None:
    """Keep the user agent of a sign-in, whose session is found by `key`."""
    UserSession.objects.create(user=user, kind=kind, key=key, user_agent=user_agent_of(request))


def user_agent_of(request: Any) -> str:
    """Return what a request says it was made with, as it is kept."""
    agent: str = request.META.get("HTTP_USER_AGENT", "") if request else ""
    # PostgreSQL takes no NUL byte in a text.
    return agent.replace("\0", "")[: UserSession.MAX_USER_AGENT]
