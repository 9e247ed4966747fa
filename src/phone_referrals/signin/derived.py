"""Codes, and the handles by which a client or user owns a message: both are derived under the site's secrets."""

from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from phone_referrals.conf import conf
from phone_referrals.signin import codes
from phone_referrals.signin.state import State
from phone_referrals.signin.test_numbers import fixed_code


@sensitive_variables()
def live_codes(phone_number: str, purpose: str, state: State) -> list[str]:
    """Return the live code under the site's secret, then under each of its fallbacks."""
    return [] if state.serial is None else codes_of(phone_number, purpose, state.serial)


@sensitive_variables()
def codes_of(phone_number: str, purpose: str, serial: int) -> list[str]:
    """Return the code of a serial under each secret."""
    fixed = fixed_code(phone_number)
    if fixed is not None:
        return [fixed]
    return [
        codes.derive(phone_number=phone_number, purpose=purpose, serial=serial, digits=conf.code_digits, secret=secret)
        for secret in _secrets()
    ]


def request_id(phone_number: str, purpose: str, state: State) -> str:
    """Return the handle of the latest message."""
    return _handles([state.sent_at[-1].sent_at], phone_number, purpose, state)[0][0]


def owners(phone_number: str, purpose: str, user: Any) -> list[str]:
    """Return the digest that says that a message was sent for `user`, under each secret."""
    return [each[0] for each in _handles([f"user {user.pk}"], phone_number, purpose, State())]


@sensitive_variables()
def own_messages(phone_number: str, purpose: str, state: State, *, request_id: str, user: Any) -> list[int]:
    """Return the places in `state.sent_at` of the messages that were sent for a client: by its handle, or its user."""
    if user is not None:
        candidates = owners(phone_number, purpose, user)
        return [place for place, message in enumerate(state.sent_at) if codes.matches(message.owner, candidates)]
    # As many for each phone: the time that it takes must not tell how many messages were sent.
    names = [message.sent_at for message in state.sent_at]
    names += [0] * (conf.messages_per_day - len(names))
    of_each = zip(*_handles(names, phone_number, purpose, state), strict=True)
    return [place for place, handles in enumerate(of_each) if codes.matches(request_id, handles)]


def _handles(names: list[Any], phone_number: str, purpose: str, state: State) -> list[list[str]]:
    """Return the handles of messages by their names, under each secret."""
    return [
        codes.handles(names, phone_number=phone_number, purpose=purpose, serial=state.serial or 0, secret=secret)
        for secret in _secrets()
    ]


def _secrets() -> list[str | bytes]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
