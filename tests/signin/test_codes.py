import hashlib
import hmac
import unicodedata

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phone_referrals.exceptions import InvalidCode
from phone_referrals.signin import codes
from phone_referrals.signin.codes import Purpose

SPECIMEN = {"phone_number": "+12015550100", "purpose": "sign_in", "serial": 1}


def derive(*, digits=10, **change):
    with override_settings(PHONE_REFERRALS_CODE_DIGITS=digits):
        return codes.derive(**{**SPECIMEN, **change})


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "s3cret", []


# The code


def test_a_code_is_an_hmac_under_a_key_of_its_own():
    """Computed here by other means, so that a release cannot change the codes of messages under way."""
    key = hashlib.sha256(b"phone_referrals.signin.codes" + b"s3cret").digest()
    digest = hmac.digest(key, b"sign_in|+12015550100|1", "sha256")
    assert derive() == [str(int.from_bytes(digest, "big"))[-10:]]


@pytest.mark.parametrize("change", [{"phone_number": "+12015550101"}, {"purpose": "other"}, {"serial": -1}], ids=str)
def test_a_code_depends_on_phone_purpose_and_serial(change):
    assert derive() == derive()
    assert derive(**change) != derive()


def test_there_is_a_code_under_each_secret(settings):
    old = derive()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["s3cret", "older"]
    assert derive()[1:2] == old
    assert len(set(derive())) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(serial=st.integers(-(2**63), 2**63 - 1), digits=st.integers(1, 10))
def test_a_code_has_all_its_digits_zeros_in_front_too(serial, digits):
    [code] = derive(serial=serial, digits=digits)
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()


def test_codes_are_spread_evenly():
    counts = [0] * 10
    for serial in range(5000):
        counts[int(codes.derive(**SPECIMEN | {"serial": serial})[0][-1])] += 1
    assert all(400 < count < 600 for count in counts)


@pytest.mark.parametrize(
    "typed",
    [
        "012345",
        " 012345\n",
        "012 345",
        "0 1 2 3 4 5",
        "012-345",
        "012\u2013345",
        "012\u00a0345",
        "\u2003012\u2009345",
        "０１２３４５",
        "٠١٢٣٤٥",
        "०१२ ३४५",
        "𝟘𝟙𝟚𝟛𝟜𝟝",
        "012345.",
        "#012345",
        "«012 345»",
        "“012345”,",
        "(012345)",
        "[012-345]",
        "<012345>",
        "`012345`!",
        "\u2066012\u200b345\u2069",
        "\ufeff0\ufe0f12\u00ad345\u2060",
        "012\u2212345",
        "012\u202f345\u3000",
    ],
)
def test_a_code_is_read_in_any_spelling(typed):
    assert codes.read(typed) == "012345"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "------",
        "01234",
        "0123456",
        "01234x",
        "+01234",
        "0.1234",
        "½12345",
        "¹²³⁴⁵⁶",
        "一二三四五六",
        "01234\u0301\u0035",  # an accent
        "\U000e0030\U000e0031\U000e0032\U000e0033\U000e0034\U000e0035",  # tags, which nobody sees
        "\u202e012345",  # is shown from its end
        "O12345",
        "0" * 10_000,
    ],
)
def test_a_malformed_code_is_told_the_number_of_digits(typed):
    with pytest.raises(InvalidCode, match=r"\['Enter the 6 digits of the code\.'\]") as refusal:
        codes.read(typed)
    assert refusal.value.extra == {}


@pytest.mark.unmeasured
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.text(max_size=20) | st.text(st.sampled_from("0123٣#.-() \u200b\u202e\u00b3\u0301")),
    digits=st.integers(1, 10),
)
def test_whatever_is_read_has_its_digits_and_no_other(typed, digits):
    try:
        with override_settings(PHONE_REFERRALS_CODE_DIGITS=digits):
            code = codes.read(typed)
    except InvalidCode:
        return
    assert code == "".join(str(unicodedata.decimal(char)) for char in typed if unicodedata.category(char) == "Nd")
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()


@pytest.mark.parametrize(
    ("code", "candidates", "expected"),
    [
        ("123456", ["123456"], True),
        ("123456", ["000000", "123456"], True),
        ("123456", ["123456", "000000"], True),
        ("123456", ["123457"], False),
        ("123456", ["1234567", "12345"], False),
        ("", ["123456"], False),
        ("123456", [], False),
        ("🔑", ["123456"], False),
    ],
)
def test_a_code_matches_any_candidate_as_a_whole(code, candidates, expected):
    assert codes.matches(code, candidates) is expected


def test_the_purpose_is_stored_as_its_plain_word():
    assert str(Purpose.SIGN_IN) == f"{Purpose.SIGN_IN}" == "sign_in"


def test_half_a_character_matches_no_code():
    assert not codes.matches("12345\ud800", ["123456"])


# The handle of a message


def test_a_handle_is_an_hmac_under_a_key_of_its_own():
    key = hashlib.sha256(b"phone_referrals.signin.codes.handle" + b"s3cret").digest()
    digest = hmac.digest(key, b"sign_in|+12015550100|1|1893499200.5", "sha256")
    assert codes.handles([1893499200.5], **SPECIMEN) == [[digest.hex()[:32]]]


@pytest.mark.parametrize("change", [{"phone_number": "+12015550101"}, {"purpose": "other"}, {"serial": -1}], ids=str)
def test_a_handle_depends_on_phone_purpose_and_serial(change):
    assert codes.handles([1.5], **{**SPECIMEN, **change}) != codes.handles([1.5], **SPECIMEN)


def test_there_is_a_handle_under_each_secret(settings):
    [old] = codes.handles([1.5], **SPECIMEN)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["s3cret"]
    new, again = codes.handles([1.5], **SPECIMEN)
    assert again == old != new


def test_each_message_of_a_code_has_a_handle_of_its_own():
    [handles] = codes.handles([1.5, 2.5, 1.5], **SPECIMEN)
    assert handles[0] == handles[2] != handles[1]
