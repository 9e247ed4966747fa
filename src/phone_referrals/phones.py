"""Phone numbers as the package holds them: E.164 text, such as `+12015550123` (ITU-T E.164)."""

import phonenumbers
from phonenumber_field.phonenumber import PhoneNumber, to_python

from phone_referrals.exceptions import InvalidPhoneNumber

MAX_LENGTH = len("+") + 15
TYPES = {
    getattr(phonenumbers.PhoneNumberType, name): name.lower()
    for name in (
        "FIXED_LINE",
        "FIXED_LINE_OR_MOBILE",
        "MOBILE",
        "PAGER",
        "PERSONAL_NUMBER",
        "PREMIUM_RATE",
        "SHARED_COST",
        "TOLL_FREE",
        "UAN",
        "UNKNOWN",
        "VOICEMAIL",
        "VOIP",
    )
}


def parse(text: str, region: str | None = None) -> str:
    """Return the E.164 form of `text` in any spelling that libphonenumber accepts.

    A number without a country code is read as one of `region`, by default `PHONENUMBER_DEFAULT_REGION`.
    Raises `InvalidPhoneNumber`.
    """
    try:
        number = to_python(text, region=region)
    except TypeError:  # A foreign caller may pass whatever JSON holds.
        raise InvalidPhoneNumber from None
    if not isinstance(number, PhoneNumber) or not number.is_valid():
        raise InvalidPhoneNumber
    canonical = str(number.as_e164)
    # libphonenumber takes a few that are longer than E.164 allows, which is 15 digits.
    if len(canonical) > MAX_LENGTH:
        raise InvalidPhoneNumber
    return canonical


def region_of(phone_number: str) -> str:
    """Return the ISO 3166-1 code of the region of an E.164 number; `"001"` is a network of no region."""
    # Numbers that share a calling code (+1, +7, +44) are told apart by their leading digits.
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone_number)) or ""


def type_of(phone_number: str) -> str:
    """Return libphonenumber's type of an E.164 number, in lower case: `"mobile"`, `"premium_rate"`, …."""
    return TYPES[phonenumbers.number_type(phonenumbers.parse(phone_number))]


def e164(value: PhoneNumber | str | None) -> str:
    """Return what a host's column holds as E.164 text, or as it stands where it is no phone number."""
    if isinstance(value, PhoneNumber) and value.country_code:
        return str(value.as_e164)
    return str(value or "")


def spaced(phone_number: str) -> str:
    """Return an E.164 number as people read it: `+7 912 345-67-89`."""
    try:
        number = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException:
        return phone_number
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def mask(phone_number: str) -> str:
    """Return an E.164 number for other people's eyes: `+7 *** *** ** 67`."""
    try:
        number = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException:
        return "***" if phone_number else ""
    country = f"+{number.country_code}"
    spaced = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    rest = "".join(char if char.isdigit() else " " for char in spaced.removeprefix(country))
    hidden = "".join("*" if char.isdigit() else char for char in rest[:-2])
    return " ".join(f"{country} {hidden}{rest[-2:]}".split())
