"""Phone numbers as E.164 text (ITU-T E.164), such as `+12015550123`."""

import re
from functools import cache
from typing import Any

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber, to_python

from phone_referrals.exceptions import InvalidPhoneNumber
from phone_referrals.reading import shown

MAX_LENGTH = len("+") + 15
DIGIT, NO_DIGITS = re.compile(r"[0-9]"), re.compile(r"[^0-9]+")
E164 = re.compile(r"\+([1-9][0-9]{6,14})")
MAX_TYPED, NO_NUMBER = 100, re.compile(r"[^+0-9]")
# libphonenumber drops some letters and reads others as digits of a keypad. So no letters are allowed but a known word
# before the number and an extension after it.
AROUND = r"""["'`«»„“”‘’‹›<>(){}.,;:!?*/|\[\] -]*"""
WRITTEN = re.compile(
    rf"""
    (?: {AROUND} (?: tel(?:ephone)? | phone | mob(?:ile)? | cell | тел(?:ефон)? | моб(?:ильный)? ) \b )?
    {AROUND} ( \+? [0-9\ ()（）\[\]./~．／·•-]+? )
    (?: [\ ;,]* (?: ext(?:ension|n)? | доб(?:авочный)? | [xх#] ) [.:=\ ]* [0-9]{{1,7}} )?
    {AROUND}
    """,
    re.IGNORECASE | re.VERBOSE,
)
MEXICO, OLD_PREFIX_OF_MEXICO = 52, re.compile("^(?:1|4[45])(?=[0-9]{10}$)")  # WhatsApp still shows `+52 1`.
# Digits of mobile numbers that people leave out, as WhatsApp does in Brazil and Benin, by the digits before them. The
# package does not add them: without them the number may be another person's landline.
LEFT_OUT = {
    re.compile(r"\+(54)"): "9",
    re.compile(r"\+(55)([1-9]{2})(?=[6-9])"): "9",
    re.compile(r"\+(229)"): "01",
}
# By libphonenumber's number of each: `"mobile"`, `"premium_rate"`, `"voip"`, ….
TYPES = {value: name.lower() for name, value in vars(phonenumbers.PhoneNumberType).items() if name.isupper()}


def parse(text: str, *regions: str | None) -> str:
    """Return the E.164 form of `text`, in any spelling in which people write a number.

    A number without a country code belongs to the first of `regions` where it is valid, by default
    `PHONENUMBER_DEFAULT_REGION`. Raises `InvalidPhoneNumber`, with a hint if known digits are missing.
    """
    typed: Any = text  # A caller may pass any value of JSON.
    is_text = isinstance(typed, str) and len(typed) <= MAX_TYPED
    match = WRITTEN.fullmatch(" ".join(shown(typed).split())) if is_text else None
    if match is None:
        raise InvalidPhoneNumber
    missing = ""
    for region in regions or (None,):
        number = to_python(NO_NUMBER.sub(" ", match[1]), region=region)
        if isinstance(number, PhoneNumber) and not number.is_valid() and number.country_code == MEXICO:
            number = to_python(f"+{MEXICO}{OLD_PREFIX_OF_MEXICO.sub('', str(number.national_number))}")
        canonical = str(number.as_e164) if isinstance(number, PhoneNumber) and number.is_valid() else ""
        # libphonenumber accepts some numbers that have more than the 15 digits of E.164.
        if 0 < len(canonical) <= MAX_LENGTH:
            return canonical
        missing = missing or what_is_missing(e164(number))
    raise InvalidPhoneNumber(f"{InvalidPhoneNumber.default_message} {missing}" if missing else None)


def site_region() -> str | None:
    region: str | None = getattr(settings, "PHONENUMBER_DEFAULT_REGION", None)
    return region


def examples_of(region: str) -> tuple[str, str]:
    """Return an example number of a region, as people write it there and abroad."""
    mobile = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    number: Any = mobile or phonenumbers.example_number(region)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return national, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def is_too_short(field: Any) -> bool:
    """Return whether a column of the host is too short for some E.164 numbers."""
    return (getattr(field, "max_length", None) or MAX_LENGTH) < MAX_LENGTH


def region_of(phone_number: str) -> str:
    """Return the ISO 3166-1 code of the region of an E.164 number; `"001"` is a network of no region."""
    # Regions that share a calling code (+1, +7, +44) differ in the leading digits.
    return phonenumbers.region_code_for_number(_number(phone_number)) or ""


def type_of(phone_number: str) -> str:
    """Return libphonenumber's type of an E.164 number, in lower case: `"mobile"`, `"premium_rate"`, …."""
    return TYPES[phonenumbers.number_type(_number(phone_number))]


def what_is_missing(number: str) -> str:
    """Return a sentence about the digits that a mobile number lacks; empty if it lacks none."""
    for start, digits in LEFT_OUT.items():
        match = start.match(number)
        whole = f"{match[0]}{digits}{number[match.end() :]}" if match else ""
        if match and E164.fullmatch(whole) and type_of(whole) == "mobile":
            words = {"digits": digits, "start": f"+{' '.join(match.groups())}"}
            return _("Mobile numbers of this country have a %(digits)s after %(start)s.") % words
    return ""


def e164(value: PhoneNumber | str | None) -> str:
    """Return the value of a host's column as E.164 text, or unchanged if it is no phone number."""
    if isinstance(value, PhoneNumber) and value.country_code:
        return phonenumbers.format_number(value, phonenumbers.PhoneNumberFormat.E164)
    return str(value or "")


def spaced(phone_number: str) -> str:
    """Return an E.164 number as people read it: `+7 912 345-67-89`."""
    try:
        number = _number(phone_number)
    except phonenumbers.NumberParseException:
        return phone_number
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def mask(phone_number: str) -> str:
    """Return an E.164 number masked for other people: `+7 *** *** ** 67`. A short one hides at least four digits."""
    try:
        number = _number(phone_number)
    except phonenumbers.NumberParseException:
        return "***" if phone_number else ""
    country = f"+{number.country_code}"
    readable = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    rest = NO_DIGITS.sub(" ", readable.removeprefix(country)).strip()
    digits = len(DIGIT.findall(rest))
    return f"{country} {DIGIT.sub('*', rest, count=max(digits - 2, min(digits, 4)))}"


def stored(value: Any) -> PhoneNumber | None:
    """Return the value that django-phonenumber-field reads from a column, if the text is E.164 and so quick to read."""
    parts = _parts(value) if isinstance(value, str) else None
    if parts is None:
        return None
    by_plus = phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN
    return PhoneNumber(**parts, raw_input=value, country_code_source=by_plus)


def _number(phone_number: str) -> phonenumbers.PhoneNumber:
    """Read an E.164 number; raises `phonenumbers.NumberParseException`."""
    parts = _parts(phone_number)
    return phonenumbers.PhoneNumber(**parts) if parts else phonenumbers.parse(phone_number)


def _parts(phone_number: str) -> dict[str, Any] | None:
    """Return the parts that libphonenumber would read, in a fourth of its time; `None` if it has to look closer.

    It looks for a national prefix after the country code, and counts leading zeros. A list of users takes a third
    longer without this.
    """
    match = E164.fullmatch(phone_number)
    digits = match[1] if match else ""
    for length in (1, 2, 3):
        country_code = int(digits[:length] or 0)
        if country_code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            national = digits[length:]
            if _to_be_stripped(country_code).match(national):
                return None
            return {"country_code": country_code, "national_number": int(national)}
    return None


@cache
def _to_be_stripped(country_code: int) -> re.Pattern[str]:
    """Return the pattern of prefixes that libphonenumber may strip from numbers of a calling code."""
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country_code][0]
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    return re.compile("|".join(["0", metadata.national_prefix_for_parsing or "0"]))
