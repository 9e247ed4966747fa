import pytest

from phone_referrals.exceptions import InvalidCode
from phone_referrals.signin.serializers import AuthSerializer, CodeField, GetVerifyCodeSerializer, PhoneNumberField


def errors_of(serializer):
    assert not serializer.is_valid()
    return {field: [error.code for error in errors] for field, errors in serializer.errors.items()}


@pytest.mark.parametrize(
    "spelling",
    [
        "8 (912) 345-67-89",
        "+7 912 345-67-89",
        "  +79123456789\n",
        "\uff0b\uff17\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19",
    ],
)
def test_a_phone_is_read_in_any_spelling_in_the_region_of_the_moment(settings, spelling):
    settings.PHONENUMBER_DEFAULT_REGION = "RU"
    assert PhoneNumberField().run_validation(spelling) == "+79123456789"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "required"),
        ({"phone_number": None}, "null"),
        ({"phone_number": ""}, "blank"),
        ({"phone_number": []}, "invalid"),
        ({"phone_number": {"a": 1}}, "invalid"),
        ({"phone_number": True}, "invalid"),
        ({"phone_number": "+1201555010\0"}, "null_characters_not_allowed"),
        ({"phone_number": "\ud800"}, "surrogate_characters_not_allowed"),
        ({"phone_number": "+1" * 33}, "max_length"),
        ({"phone_number": "+99912345678"}, "invalid_phone_number"),
        ({"phone_number": "2015550100"}, "invalid_phone_number"),
        ({"phone_number": "+1 201 555 010"}, "invalid_phone_number"),
        ({"phone_number": "🔑"}, "invalid_phone_number"),
        ({"phone_number": 0}, "invalid_phone_number"),
    ],
)
def test_what_is_no_phone_is_refused_by_name(data, code):
    assert errors_of(GetVerifyCodeSerializer(data=data)) == {"phone_number": [code]}


@pytest.mark.parametrize(
    "typed",
    [
        "012345",
        " 012345 ",
        "012 345",
        "012-345",
        "012\u2013345",
        "0\u00a012\t345",
        "٠١٢٣٤٥",
        "\uff10\uff11\uff12\uff13\uff14\uff15",
    ],
)
def test_a_code_is_read_as_people_type_it(typed):
    assert CodeField().run_validation(typed) == "012345"


def test_a_code_may_be_a_json_number():
    assert CodeField().run_validation(123456) == "123456"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12345", "invalid_code"),
        ("1234567", "invalid_code"),
        (12345, "invalid_code"),
        (-12345, "invalid_code"),
        ("12345a", "invalid_code"),
        ("12345🔑", "invalid_code"),
        ("12345²", "invalid_code"),
        ("1234½5", "invalid_code"),
        ("------", "invalid_code"),
        ("", "blank"),
        (" ", "blank"),
        (None, "null"),
        (True, "invalid"),
        ([1, 2, 3, 4, 5, 6], "invalid"),
        ("12345\0", "null_characters_not_allowed"),
        ("1" * 65, "max_length"),
    ],
)
def test_what_is_no_code_is_refused_before_it_counts_as_a_guess(typed, code):
    assert errors_of(AuthSerializer(data={"phone_number": "+12015550100", "code": typed})) == {"code": [code]}


def test_the_number_of_digits_is_that_of_the_moment(settings):
    field = CodeField()
    settings.PHONE_REFERRALS_CODE_DIGITS = 8
    assert field.run_validation("1234-5678") == "12345678"
    with pytest.raises(InvalidCode, match="Enter the 8 digits of the code"):
        field.run_validation("123456")


def test_all_errors_are_told_at_once():
    assert errors_of(AuthSerializer(data={})) == {"phone_number": ["required"], "code": ["required"]}


@pytest.mark.parametrize(
    ("data", "referral_code"), [({}, None), ({"referral_code": ""}, ""), ({"referral_code": " a b "}, "a b")]
)
def test_a_referral_code_may_be_left_out(data, referral_code):
    serializer = AuthSerializer(data={"phone_number": "+12015550100", "code": "123456", **data})
    assert serializer.is_valid()
    assert serializer.validated_data.get("referral_code") == referral_code


def test_a_referral_code_has_a_greatest_length():
    data = {"phone_number": "+12015550100", "code": "123456", "referral_code": "A" * 501}
    assert errors_of(AuthSerializer(data=data)) == {"referral_code": ["max_length"]}


def test_a_host_may_allow_other_lengths():
    assert PhoneNumberField(max_length=12).max_length == 12
    assert CodeField(max_length=12).max_length == 12
