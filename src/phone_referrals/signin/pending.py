"""A sign-in that waits for its code, in the session: no address shows the phone, and another browser knows nothing."""

from dataclasses import asdict, dataclass, field
from math import ceil
from time import time
from typing import Any, Self

KEY = "phone_referrals_sign_in"
# Phones of which one browser keeps the handle of its message, as after a mistake in the number.
MAX_HANDLES = 5


@dataclass(frozen=True, kw_only=True)
class PendingSignIn:
    """The phone that a code was sent to. `resend_at` is in POSIX seconds; `code` is empty unless it is echoed.

    `request_ids` has the handle of the latest message to each phone. `next_url` has been found safe to lead to.
    """

    phone_number: str = field(repr=False)
    resend_at: float
    next_url: str = ""
    code: str = field(default="", repr=False)
    request_ids: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, request: Any) -> Self | None:
        """Return what the session of `request` waits for."""
        try:
            return cls(**request.session[KEY])
        except (KeyError, TypeError):  # None, or one of another release, which had other fields.
            return None

    def keep(self, request: Any) -> None:
        handles = dict(list(self.request_ids.items())[-MAX_HANDLES:])
        request.session[KEY] = {**asdict(self), "request_ids": handles}

    @staticmethod
    def drop(request: Any) -> None:
        request.session.pop(KEY, None)

    @property
    def resend_in(self) -> int:
        """Whole seconds until another code may be asked for, rounded up: nobody comes back too early."""
        return max(0, ceil(self.resend_at - time()))
