"""The state of one phone and purpose, on which `policy.py` decides and which a row keeps."""

from dataclasses import dataclass
from typing import NamedTuple


class Message(NamedTuple):
    """A message that counts for the day's limit. JSON keeps it as a list."""

    sent_at: float
    wrong_guesses: int = 0
    owner: str = ""  # A digest of the signed-in user it was sent for.


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of one phone and purpose. A code is live while `serial` is set. Times are POSIX seconds."""

    serial: int | None = None
    code_expires_at: float | None = None
    sent_at: tuple[Message, ...] = ()
    sent_since_success: int = 0
    refused_in_a_row: int = 0  # messages, by the gateway
    resend_at: float | None = None
    wrong_guesses_since_success: int = 0
    unbound_guesses_at: tuple[float, ...] = ()  # the latest ten, by clients without a handle
    unbound_guesses_since_success: int = 0
