"""Numbers with a fixed code: `PHONE_REFERRALS_TEST_NUMBERS`."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model

from phone_referrals.exceptions import (
    CodeExpired,
    InvalidCode,
    PhoneLocked,
    ResendTooSoon,
    StaffNotAllowed,
    TooManyGuesses,
)
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin.backend import prove
from phone_referrals.signin.codes import fixed_code, last_day
from phone_referrals.signin.sign_in import sign_in
from phone_referrals.signin.verification import check_code, request_code

pytestmark = pytest.mark.django_db

CODE = "040506"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)


def wrong(phone):
    with pytest.raises(InvalidCode):
        check_code(phone_number=phone, code="999999")


def ask(phone):
    return request_code(phone_number=phone, host="example.com")


def no_guard_is_asked(request):
    raise AssertionError


@pytest.fixture(autouse=True)
def last_day_is_today(settings, phone, time_machine):
    time_machine.move_to(NOON, tick=False)
    settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": CODE, "until": "2026-06-01"}}


def test_a_test_number_signs_in_over_http_and_is_sent_nothing(api, outbox, phone):
    answer = api.post("/api/users/get_verify_code/", {"phone_number": "+1 (201) 555-0100"}, format="json")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("request_id"), "an answer like any other"
    assert told == {"phone_number": phone, "expires_in": 600, "resend_in": 0}

    answer = api.post("/api/users/auth/", {"phone_number": phone, "code": CODE}, format="json")
    assert answer.status_code == 201
    assert answer.json()["user"]["phone_number"] == phone
    assert answer.json()["token"]
    assert outbox == []
    assert not SmsUsage.objects.exists()


def test_a_test_number_may_ask_again_and_again(outbox, phone):
    assert {ask(phone).resend_in for _ in range(30)} == {0}

    row = PhoneVerification.objects.get()
    assert (len(row.sent_at), row.resend_at, row.sent_since_success) == (1, None, 0)
    assert outbox == []
    assert not SmsUsage.objects.exists()


def test_a_test_number_signs_in_once_for_each_request(phone):
    for _ in range(3):
        ask(phone)
        check_code(phone_number=phone, code=CODE)
        with pytest.raises(CodeExpired):
            check_code(phone_number=phone, code=CODE)


def test_the_fixed_code_has_to_be_asked_for(phone):
    with pytest.raises(CodeExpired):
        check_code(phone_number=phone, code=CODE)


def test_the_fixed_code_expires_like_any_other(phone, time_machine):
    ask(phone)
    time_machine.shift(600)
    with pytest.raises(CodeExpired):
        check_code(phone_number=phone, code=CODE)


def test_five_wrong_guesses_end_a_request_for_a_test_number_too(phone):
    ask(phone)
    for _ in range(5):
        wrong(phone)
    with pytest.raises(TooManyGuesses):
        check_code(phone_number=phone, code=CODE)

    ask(phone)
    check_code(phone_number=phone, code=CODE)


def test_a_hundred_wrong_guesses_lock_a_test_number_too(phone):
    for _ in range(20):
        ask(phone)
        for _ in range(5):
            wrong(phone)

    with pytest.raises(PhoneLocked):
        check_code(phone_number=phone, code=CODE)
    with pytest.raises(PhoneLocked):
        ask(phone)


def test_asking_again_gives_no_more_guesses_of_a_live_code(phone):
    ask(phone)
    for _ in range(5):
        wrong(phone)
        ask(phone)
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_REGIONS", ["GB"]),
        ("NUMBER_TYPES", ["pager"]),
        ("SMS_DAILY_LIMIT", {"total": 0}),
        ("SMS_DAILY_LIMIT", {"US": 0}),
        ("SEND_GUARDS", [f"{__name__}.no_guard_is_asked"]),
        ("SMS_BACKEND", "tests.gateways.RefusingSmsBackend"),
    ],
)
def test_what_limits_messages_does_not_limit_a_test_number(settings, phone, name, value):
    setattr(settings, f"PHONE_REFERRALS_{name}", value)
    ask(phone)
    check_code(phone_number=phone, code=CODE)


def test_on_the_last_day_the_code_is_right_until_midnight_utc(settings, phone, time_machine):
    settings.TIME_ZONE = "Pacific/Kiritimati"  # Tomorrow already.
    time_machine.move_to(MIDNIGHT - timedelta(seconds=1), tick=False)
    ask(phone)
    check_code(phone_number=phone, code=CODE)


def test_after_its_last_day_it_is_an_ordinary_number(settings, phone, outbox, send_code, time_machine):
    settings.TIME_ZONE = "Pacific/Honolulu"  # Still yesterday.
    time_machine.move_to(MIDNIGHT, tick=False)

    code = send_code(phone)
    with pytest.raises(ResendTooSoon):
        ask(phone)
    with pytest.raises(InvalidCode):
        check_code(phone_number=phone, code=CODE)
    check_code(phone_number=phone, code=code)

    assert len(outbox) == 1
    assert (SmsUsage.objects.get().sent, SmsUsage.objects.get().verified) == (1, 1)


def test_a_fixed_code_is_wrong_after_its_last_day(phone, time_machine):
    time_machine.move_to(MIDNIGHT - timedelta(seconds=1), tick=False)
    ask(phone)
    time_machine.move_to(MIDNIGHT, tick=False)
    with pytest.raises(InvalidCode):
        check_code(phone_number=phone, code=CODE)


def test_other_numbers_stay_ordinary(other_phone, outbox):
    ask(other_phone)
    with pytest.raises(InvalidCode):
        check_code(phone_number=other_phone, code=CODE)
    assert len(outbox) == 1


@pytest.mark.parametrize("allow_staff", [False, True])
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_staff_never_sign_in_by_a_fixed_code(settings, make_user, phone, allow_staff, flag):
    settings.PHONE_REFERRALS_ALLOW_STAFF = allow_staff
    user = make_user()
    get_user_model().objects.filter(pk=user.pk).update(**{flag: True})
    for enter in (prove, sign_in):
        ask(phone)
        with pytest.raises(StaffNotAllowed):
            enter(phone_number=phone, code=CODE)


def test_staff_with_a_test_number_stay_out_after_its_last_day(settings, make_user, phone, send_code, time_machine):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    user = make_user()
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True)
    time_machine.move_to(MIDNIGHT, tick=False)
    with pytest.raises(StaffNotAllowed):
        prove(phone_number=phone, code=send_code(phone))


@pytest.mark.parametrize("until", ["2026-06-01", date(2026, 6, 1), datetime(2026, 6, 1, 8, tzinfo=UTC)])
def test_the_last_day_is_a_date_or_its_text(settings, phone, until, time_machine):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": CODE, "until": until}}
    assert last_day(until) == date(2026, 6, 1)
    assert fixed_code(phone) == CODE
    time_machine.move_to(MIDNIGHT, tick=False)
    assert fixed_code(phone) is None
