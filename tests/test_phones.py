import random
import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
        "+7 912 345-67-89 x5",
        "+7 912 345-67-89 доб. 123",
        "tel:+7-912-345-67-89;ext=12",
        "Tel. 8 912 345-67-89",
        "mob: +7 912 345 67 89",
        "Моб.: 8 (912) 345-67-89.",
        "\u202a+7 912 345-67-89\u202c",  # as Windows copies it
        "\u2066+7\u2069\u200b912\ufeff345\u00ad67\u206089",
        "+\u200e7\ufe0f 912 345 67 89",
        "8\u2003912\u2009345\u202f67\u300089\t",
        "+7\u2212912\u2212345\u221267\u02d789",
        "\ufe627 912.345.67/89",
        "<+7 912 345-67-89>,",
        "«8 (912) 345-67-89»",
        "+7（912）345・67・89".replace("・", "·"),
    ],
)
@pytest.mark.parametrize("how", ["argument", "setting"])
def test_one_phone_in_any_spelling_is_one_number(settings, text, how):
    if how == "argument":
        assert phones.parse(text, "RU") == "+79123456789"
    else:
        settings.PHONENUMBER_DEFAULT_REGION = "RU"
        assert phones.parse(text) == "+79123456789"


def test_a_country_code_comes_before_the_region():
    assert phones.parse("+1 201 555 0100", "RU") == "+12015550100"


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
        "(" * 10_000,
        " " * 10_000 + "x",
        None,
        12015550100,
    ],
)
def test_what_no_phone_has_is_refused(text):
    with pytest.raises(InvalidPhoneNumber):
        phones.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "+41799425s028",
        "+4072d3800439",
        "+40721eeasd0",
        "+1 201 203 302 w 3",
        "+1201555012e3",
        "055fff5088",
        "1-800-FLOWERS",
        "+1 201 555 O123",
        "+1 201 555 01\u0661a",
        "+1 201 555 012\u00b3",  # a superscript
        "+1 201 555 012\u0301\u0033",  # an accent
        "+1 201 555 0123\u20e3",
        "\u202e+1 201 555 0123",  # is shown from its end
        "call +1 201 555 0123",
        "+1 201 555 0123 home",
        "+1 201 555 0123, +1 201 555 0124",
        "+1 201 555 0123_",
    ],
)
def test_a_letter_is_not_a_digit(text):
    with pytest.raises(InvalidPhoneNumber):
        phones.parse(text, "AE", "US")


@pytest.mark.parametrize(
    ("regions", "text", "number"),
    [
        (("RU", "US"), "8 912 345-67-89", "+79123456789"),
        (("RU", "UA"), "8 912 345-67-89", "+79123456789"),
        (("IN", "US"), "70123 45678", "+917012345678"),
        (("GB", "PL"), "07912 345678", "+447912345678"),
        (("PL", "GB"), "07912 345678", "+447912345678"),
        ((None, "GB"), "07912 345678", "+447912345678"),
    ],
)
def test_the_first_region_where_a_number_is_valid_is_its_own(regions, text, number):
    assert phones.parse(text, *regions) == number


@pytest.mark.parametrize("text", ["+52 1 55 1234 5678", "+52 55 1234 5678", "044 55 1234 5678", "1 55 1234 5678"])
def test_what_mexico_wrote_before_a_mobile_number_is_left_out(text):
    assert phones.parse(text, "MX") == "+525512345678"


@pytest.mark.parametrize("text", ["+52 1 55 1234 567", "+52 1", "+52 2 55 1234 5678"])
def test_no_other_digit_is_left_out(text):
    with pytest.raises(InvalidPhoneNumber):
        phones.parse(text)


@pytest.mark.parametrize("text", ["+54 9 11 2345-6789", "+54 11 15 2345-6789", "011 15-2345-6789", "11 15 2345 6789"])
def test_a_mobile_number_of_argentina_has_a_9_however_written(text):
    assert phones.parse(text, "AR") == "+5491123456789"


knows_benin_of_today = pytest.mark.skipif(
    not phonenumbers.is_valid_number(phonenumbers.parse("+2290190011234")),
    reason="An old phonenumbers, of before the numbers of Benin became longer.",
)


@pytest.mark.parametrize(
    ("text", "region", "missing"),
    [
        ("+55 11 8123-4567", None, "a 9 after +55 11"),  # As WhatsApp shows it.
        ("(011) 8123-4567", "BR", "a 9 after +55 11"),
        pytest.param("+229 90 01 12 34", None, "a 01 after +229", marks=knows_benin_of_today),
    ],
)
def test_a_number_without_digits_that_it_needs_is_told_which(text, region, missing):
    with pytest.raises(InvalidPhoneNumber) as refusal:
        phones.parse(text, region, "US")
    words = f"Enter a valid phone number. Mobile numbers of this country have {missing}."
    assert refusal.value.message == words


@pytest.mark.parametrize("text", ["+54", "+55 1", "+229 1", "+55 11 0123-4567", "+54" + "1" * 15, "+1 201 555 012"])
def test_nothing_is_said_to_be_missing_that_is_not(text):
    with pytest.raises(InvalidPhoneNumber) as refusal:
        phones.parse(text)
    assert refusal.value.message == "Enter a valid phone number."


@pytest.mark.unmeasured
def test_the_examples_of_a_region_are_read_as_one_number():
    two = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        national, international = phones.examples_of(region)
        if phones.parse(national, region) != phones.parse(international):
            two.append((region, national, international))
    assert two == []


@pytest.mark.unmeasured
@given(st.text(st.sampled_from("+0123456789 ()-.xextdob٣３\u200b\u202e\u00b3\u2212\ufe0f\U000e0031\0"), max_size=40))
@settings(max_examples=300)
def test_no_digit_is_read_that_is_not_shown(text):
    """Nor one that a letter stands for. What is not read is refused, and fails in no other way."""
    try:
        number = phones.parse(text, "US", "RU")
    except InvalidPhoneNumber:
        return
    digits = "".join(str(unicodedata.decimal(char)) for char in text if unicodedata.category(char) == "Nd")
    assert number.removeprefix("+").removeprefix("1").removeprefix("7") in digits


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
        # Numbers of St Helena, Niue and Ascension, of seven, five and four digits: four are hidden.
        ("+6837890123", "+683 *****23"),
        ("+29051234", "+290 ****4"),
        ("+6834002", "+683 ****"),
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


@pytest.mark.unmeasured
def test_what_is_e164_is_read_as_libphonenumber_reads_it():
    """Also what is no number of anybody: columns hold what a host has put there."""
    others = []
    for country_code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE):
        digits = random.Random(country_code)
        for _ in range(100):
            text = f"+{country_code}{digits.randrange(10 ** digits.randrange(6, 13)):0{digits.randrange(6, 12)}}"
            read = phones.stored(text)
            if read is None:
                continue
            if vars(read) != vars(to_python(text)) or phones._number(text) != phonenumbers.parse(text):
                others.append(text)
    assert others == []


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
