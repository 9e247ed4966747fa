import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.request import Request

from phone_referrals.exceptions import InvalidCode
from phone_referrals.signin.serializers import (
    AuthSerializer,
    CodeField,
    GetVerifyCodeSerializer,
    PhoneNumberField,
    UserSerializer,
)
from tests.people import add_users


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
def test_a_phone_is_read_in_any_spelling_of_the_region(settings, spelling):
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


# Answers


@pytest.fixture
def seen_by(db, rf):
    """Read a user with the eyes of another one."""

    def seen_by(reader, user, by=SessionAuthentication):
        request = Request(rf.get("/"))
        request.user, request.auth, request._authenticator = reader, None, by()
        return UserSerializer(user, context={"request": request}).data

    return seen_by


@pytest.mark.parametrize(
    ("attributes", "by", "sees"),
    [
        ({}, SessionAuthentication, "+1 *** *** **01"),
        ({"is_superuser": True}, SessionAuthentication, "+1 *** *** **01"),
        ({"is_staff": True}, SessionAuthentication, "+12015550101"),
        ({"is_staff": True}, TokenAuthentication, "+1 *** *** **01"),
    ],
)
def test_only_staff_by_session_see_anothers_number(make_user, seen_by, attributes, by, sees):
    reader, other = make_user(0), make_user(1)
    vars(reader).update(attributes)
    assert seen_by(reader, other, by=by) == {"id": other.pk, "phone_number": sees}
    assert seen_by(reader, reader)["phone_number"] == "+12015550100"


def test_nobody_sees_no_number(make_user, seen_by):
    assert seen_by(AnonymousUser(), make_user())["phone_number"] == "+1 *** *** **00"


def test_a_user_without_a_phone_has_an_empty_number(make_user, seen_by):
    (user,) = add_users(1)
    assert seen_by(make_user(), user)["phone_number"] == ""
    assert seen_by(user, user)["phone_number"] == ""
