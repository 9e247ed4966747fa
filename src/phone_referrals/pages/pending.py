"""A sign-in that waits for its code, in the session: no address shows the phone, and another browser knows nothing."""

from dataclasses import asdict, dataclass, field
from math import ceil
from typing import Any, Self

from django.utils import timezone

KEY = "phone_referrals_sign_in"


@dataclass(frozen=True, kw_only=True)
class PendingSignIn:
    """The phone that a code was sent to. `resend_at` is in POSIX seconds; `code` is empty unless it is echoed.

    `next_url` has been found safe to lead to.
    """

    phone_number: str = field(repr=False)
    resend_at: float
    next_url: str = ""
    code: str = field(default="", repr=False)

    @classmethod
    def of(cls, request: Any) -> Self | None:
        """Return what the session of `request` waits for."""
        try:
            return cls(**request.session[KEY])
        except (KeyError, TypeError):  # None, or one of another release, which had other fields.
            return None

    def keep(self, request: Any) -> None:
        request.session[KEY] = asdict(self)

    @staticmethod
    def drop(request: Any) -> None:
        request.session.pop(KEY, None)

    @property
    def resend_in(self) -> int:
        """Whole seconds until another code may be asked for, rounded up: nobody comes back too early."""
        return max(0, ceil(self.resend_at - timezone.now().timestamp()))
