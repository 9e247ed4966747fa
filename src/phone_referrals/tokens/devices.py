"""What was used to sign in: the packages that issue tokens do not keep it."""

from typing import Any

from phone_referrals.models import UserSession


def remember(user: Any, key: str, request: Any) -> None:
    """Keep the user agent of a sign-in, whose session is found by `key`."""
    agent = request.META.get("HTTP_USER_AGENT", "") if request else ""
    # PostgreSQL takes no NUL byte in a text.
    agent = agent.replace("\0", "")[: UserSession.MAX_USER_AGENT]
    UserSession.objects.create(user=user, key=key, user_agent=agent)
