import random

import phonenumbers
import pytest
from phonenumber_field.phonenumber import PhoneNumber, to_python

from phone_referrals import phones
from phone_referrals.exceptions import InvalidPhoneNumber


@pytest.mark.parametrize(
    "text",
    [
        "8 (912) 345-67-89",
        "8-912-345-67-89",
        "89123456789",
        "9123456789",
        "+7 912 345-67-89",
        "  +7 (912) 345 67 89  ",
        "\uff0b\uff17 \uff19\uff11\uff12 \uff13\uff14\uff15\uff16\uff17\uff18\uff19",  # full-width
        "+٧٩١٢٣٤٥٦٧٨٩",  # Arabic-Indic
        "+7\u00a0912\u2011345\u201167\u201189",
        "tel:+7-912-345-67-89",
        "+79123456789 ext. 12",
    ],
)
@pytest.mark.parametrize("how", ["argument", "setting"])
def test_one_phone_in_any_spelling_is_one_number(settings, text, how):
    if how == "argument":
        assert phones.parse(text, region="RU") == "+79123456789"
    else:
        settings.PHONENUMBER_DEFAULT_REGION = "RU"
        assert phones.parse(text) == "+79123456789"


def test_a_country_code_comes_before_the_region():
    assert phones.parse("+1 201 555 0100", region="RU") == "+12015550100"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "phone",
        "89123456789",  # of no region
        "+7912345678",
        "+791234567890",
        "+99912345678",
        "+12005550100",
        "112",
        "+1201555010🔑",
        "+1201555010\0",
        "+7" * 500,
    ],
)
def test_what_no_phone_has_is_refused(text):
    with pytest.raises(InvalidPhoneNumber):
        phones.parse(text)


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+12015550100", "US"),
        ("+14165550100", "CA"),
        ("+79123456789", "RU"),
        ("+77710009998", "KZ"),
        ("+61491570156", "AU"),
        ("+88216000000", "001"),
        ("+447700900123", ""),
    ],
)
def test_the_region_is_found_by_more_than_the_calling_code(number, region):
    assert phones.region_of(number) == region


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PhoneNumber.from_string("+1 201 555 0100"), "+12015550100"),
        (PhoneNumber(raw_input="unknown"), "unknown"),
        ("+12015550100", "+12015550100"),
        ("unknown", "unknown"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_column_is_read_as_text(value, text):
    assert phones.e164(value) == text


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+79123456789", "+7 *** *** ** 89"),
        ("+12015550123", "+1 *** *** **23"),
        ("+61491570156", "+61 *** *** *56"),
        ("+33199001234", "+33 * ** ** ** 34"),
        ("+88216000000", "+882 ** ** **00"),
        ("+99912345678", "***"),
        ("unknown", "***"),
        ("", ""),
    ],
)
def test_a_masked_number_shows_the_country_and_two_digits(number, masked):
    assert phones.mask(number) == masked


@pytest.mark.parametrize(
    ("number", "spaced"),
    [
        ("+79123456789", "+7 912 345-67-89"),
        ("+12015550123", "+1 201-555-0123"),
        ("+33199001234", "+33 1 99 00 12 34"),
        ("+99912345678", "+99912345678"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_a_number_is_spaced_as_people_read_it(number, spaced):
    assert phones.spaced(number) == spaced


@pytest.mark.parametrize("country_code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
def test_what_is_e164_is_read_as_libphonenumber_reads_it(country_code):
    """Also what is no number of anybody: columns hold what a host has put there."""
    digits = random.Random(country_code)
    for _ in range(100):
        text = f"+{country_code}{digits.randrange(10 ** digits.randrange(6, 13)):0{digits.randrange(6, 12)}}"
        read = phones.stored(text)
        if read is not None:
            assert vars(read) == vars(to_python(text)), text
            assert phones._number(text) == phonenumbers.parse(text), text


def test_most_numbers_are_read_at_a_glance():
    examples = [
        phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        for region in phonenumbers.SUPPORTED_REGIONS
    ]
    read = [phones.stored(f"+{each.country_code}{each.national_number}") for each in examples if each]
    assert read.count(None) < len(read) / 20


@pytest.mark.parametrize("value", [None, "", "phone", "+", "+0", "+999123456", "+1201", "12015550100", 12015550100])
def test_what_is_not_e164_is_left_to_libphonenumber(value):
    assert phones.stored(value) is None


@pytest.mark.parametrize("text", ["+49575186022405924", "+8100660872962791808"])
def test_more_than_15_digits_are_no_number(text):
    with pytest.raises(InvalidPhoneNumber):
        phones.parse(text)
