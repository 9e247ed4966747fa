"""Checks of signing in by phone: whether users can have a phone and no more, and how codes are sent to them."""

from collections.abc import Iterator

from django.core.checks import CheckMessage

from phone_referrals.signin.checks import messages, users
from phone_referrals.signin.checks.messages import SETTINGS, check_deployment
from phone_referrals.tokens import checks as tokens

PATHS = ("PHONE_REFERRALS_SEND_GUARDS", "PHONE_REFERRALS_SMS_BACKEND", "PHONE_REFERRALS_TOKEN_ISSUER")


def check() -> Iterator[CheckMessage]:
    yield from users.check()
    yield from messages.check()
    yield from tokens.check()


__all__ = ["PATHS", "SETTINGS", "check", "check_deployment"]
