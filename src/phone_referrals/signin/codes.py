"""Sign-in codes, and the handles by which a client or user owns a message. Both are derived from the site's secrets."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from phone_referrals.conf import conf
from phone_referrals.exceptions import InvalidCode
from phone_referrals.reading import bare
from phone_referrals.signin.models import State

SALT = "phone_referrals.signin.codes"
HANDLE_SALT = "phone_referrals.signin.codes.handle"


class Purpose(StrEnum):
    """The purpose for which a code proves a phone. It is worth nothing for another."""

    SIGN_IN = "sign_in"
    CHANGE_PHONE = "change_phone"  # Sent to the new phone.
    CONFIRM_CHANGE = "confirm_change"  # Sent to the old one.
    DELETE_ACCOUNT = "delete_account"


@sensitive_variables()
def derive(*, phone_number: str, purpose: str, serial: int) -> list[str]:
    """Return the code of a phone, purpose and serial: under the site's secret, then under each of its fallbacks.

    HMAC-SHA256 under a key of its own made from the secret, reduced to decimal digits. A copy of the database
    holds no code, because it holds no secret.
    """
    fixed = fixed_code(phone_number)
    if fixed is not None:
        return [fixed]
    digits, derived = conf.code_digits, []
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        mac = salted_hmac(SALT, f"{purpose}|{phone_number}|{serial}", secret=secret, algorithm="sha256")
        # 256 bits against 10 digits at most: the bias of the remainder is below 2^-220.
        derived.append(f"{int.from_bytes(mac.digest()) % 10**digits:0{digits}}")
    return derived


def handles(names: Iterable[object], *, phone_number: str, purpose: str, serial: int) -> list[list[str]]:
    """Return the handles of the messages `names` of one code, under each secret as `derive` does.

    The client that asked for the message sends its handle back. A handle carries no data, and is worth nothing once
    the code has another serial.
    """
    of_secrets: list[list[str]] = []
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        stem = salted_hmac(HANDLE_SALT, f"{purpose}|{phone_number}|{serial}|", secret=secret, algorithm="sha256")
        of_secrets.append(made := [])
        for name in names:
            each = stem.copy()
            each.update(str(name).encode())
            made.append(each.hexdigest()[:32])
    return of_secrets


def owners(phone_number: str, purpose: str, user: AbstractBaseUser) -> list[str]:
    """Return the digest that says that a message was sent for `user`, under each secret."""
    return [each for [each] in handles([f"user {user.pk}"], phone_number=phone_number, purpose=purpose, serial=0)]


@sensitive_variables()
def own_messages(
    phone_number: str, purpose: str, state: State, *, request_id: str, user: AbstractBaseUser | None
) -> Sequence[int]:
    """Return the places in `state.sent_at` of the messages that were sent for a client: by its handle, or its user."""
    if user is not None:
        candidates = owners(phone_number, purpose, user)
        return [place for place, message in enumerate(state.sent_at) if matches(message.owner, candidates)]
    # As many for each phone: the time that this takes must not tell how many messages were sent.
    names = [message.sent_at for message in state.sent_at]
    names += [0] * (conf.messages_per_day - len(names))
    derived = handles(names, phone_number=phone_number, purpose=purpose, serial=state.serial or 0)
    return [place for place, candidates in enumerate(zip(*derived, strict=True)) if matches(request_id, candidates)]


def fixed_code(phone_number: str) -> str | None:
    """Return the fixed code of a test number (E.164), or `None` for every other number and after its last day."""
    entry = conf.test_numbers.get(phone_number)
    if entry is None or datetime.now(UTC).date() > last_day(entry["until"]):
        return None
    return str(entry["code"])


def last_day(until: str | date) -> date:
    """Read `until`, a date or its ISO 8601 text; raises `ValueError`."""
    if isinstance(until, datetime):
        return until.date()
    return until if isinstance(until, date) else date.fromisoformat(until)


def read(typed: str) -> str:
    """Return the digits of a code that a person typed or pasted in any spelling; raises `InvalidCode`."""
    code, digits = bare(typed), conf.code_digits
    if not (code.isascii() and code.isdigit() and len(code) == digits):
        raise InvalidCode(_("Enter the {digits} digits of the code.").format(digits=digits))
    return code


def matches(code: str, candidates: Iterable[str]) -> bool:
    """Return whether `code` is one of `candidates`, in a time that does not depend on which or how far."""
    typed = str(code).encode(errors="replace")  # JSON may hold half a surrogate pair, which UTF-8 cannot.
    # A list, not a generator: all are compared, also after one has matched.
    return any([constant_time_compare(typed, candidate) for candidate in candidates])  # noqa: C419
