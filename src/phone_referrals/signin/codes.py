"""Sign-in codes: how a code and the handle of its message are derived, and how a code is read and compared."""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from phone_referrals.exceptions import InvalidCode
from phone_referrals.reading import bare

SALT = "phone_referrals.signin.codes"
HANDLE_SALT = "phone_referrals.signin.codes.handle"


class Purpose(StrEnum):
    """What a code proves a phone for; a code of one purpose is worth nothing for another."""

    SIGN_IN = "sign_in"
    CHANGE_PHONE = "change_phone"  # Sent to the new phone.
    CONFIRM_CHANGE = "confirm_change"  # Sent to the old one.
    DELETE_ACCOUNT = "delete_account"


def derive(*, phone_number: str, purpose: str, serial: int, digits: int, secret: str | bytes) -> str:
    """Return the code of a phone, purpose and serial.

    HMAC-SHA256 under a key of its own made from `secret`, reduced to decimal digits. A copy of the database
    holds no code, because it holds no secret.
    """
    message = f"{purpose}|{phone_number}|{serial}"
    digest = salted_hmac(SALT, message, secret=secret, algorithm="sha256").digest()
    # 256 bits against 10 digits at most: the bias of the remainder is below 2^-220.
    return f"{int.from_bytes(digest) % 10**digits:0{digits}}"


def handles(names: Iterable[object], *, phone_number: str, purpose: str, serial: int, secret: str | bytes) -> list[str]:
    """Return the handle of each of the messages `names` of one code: what a client that asked for it sends back.

    It carries no data, and is worth nothing once the code has another serial.
    """
    stem = salted_hmac(HANDLE_SALT, f"{purpose}|{phone_number}|{serial}|", secret=secret, algorithm="sha256")
    made = []
    for name in names:
        each = stem.copy()
        each.update(str(name).encode())
        made.append(each.hexdigest()[:32])
    return made


def read(typed: str, *, digits: int) -> str:
    """Return what a person typed or pasted as a code, as `phone_referrals.reading` reads it; raises `InvalidCode`."""
    code = bare(typed)
    if not (code.isascii() and code.isdigit() and len(code) == digits):
        raise InvalidCode(_("Enter the {digits} digits of the code.").format(digits=digits))
    return code


def matches(code: str, candidates: Iterable[str]) -> bool:
    """Return whether `code` is one of `candidates`, in a time that does not depend on which or how far."""
    typed = str(code).encode(errors="replace")  # JSON may hold half a surrogate pair, which UTF-8 cannot.
    # A list, not a generator: all are compared, also after one has matched.
    return any([constant_time_compare(typed, candidate) for candidate in candidates])  # noqa: C419
