"""Checks of signing in by phone: whether users can have a phone and no more, and how codes are sent to them."""

from collections.abc import Iterator

from django.core.checks import CheckMessage

from phone_referrals.signin.checks import messages, users
from phone_referrals.signin.checks.messages import PATHS, SETTINGS, check_deployment


def check() -> Iterator[CheckMessage]:
    yield from users.check()
    yield from messages.check()


__all__ = ["PATHS", "SETTINGS", "check", "check_deployment"]
