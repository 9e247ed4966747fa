import logging
from contextlib import suppress
from datetime import timedelta
from time import time

import pytest
from django.db import connection, models, transaction
from django.db.transaction import TransactionManagementError
from django.http import JsonResponse
from django.urls import include, path

from phone_referrals import signals
from phone_referrals.conf import conf
from phone_referrals.exceptions import (
    Busy,
    CodeExpired,
    DeliveryFailed,
    InvalidCode,
    PhoneLocked,
    PhoneNotAllowed,
    ResendTooSoon,
    TooManyGuesses,
    TooManyMessages,
)
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import codes, policy
from phone_referrals.signin.models import State
from phone_referrals.signin.verification import check_code, request_code
from phone_referrals.sms import BaseSmsBackend

pytestmark = pytest.mark.django_db

FAILURE = {"error": None, "texts": []}


class FailingSmsBackend(BaseSmsBackend):
    """Fails as FAILURE says, with words that quote what no log may show."""

    def send(self, message):
        FAILURE["texts"].append(message.text)
        raise FAILURE["error"](f"{message.phone_number} {message.text}")


@pytest.fixture
def gateway(settings):
    """A gateway that fails with the error it is called with."""

    def gateway(error):
        FAILURE["error"] = error
        settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.FailingSmsBackend"

    FAILURE["texts"].clear()
    return gateway


def ask(phone, **kwargs):
    return request_code(phone_number=phone, host="example.com", **kwargs)


def guess(phone, code, **kwargs):
    return check_code(phone_number=phone, code=code, **kwargs)


def another(code):
    return f"{int(code) ^ 1:0{len(code)}}"


def guess_wrong(phone, code, times=1, **kwargs):
    for _ in range(times):
        with pytest.raises(InvalidCode):
            guess(phone, another(code), **kwargs)


# A code and its life


def test_the_code_in_the_message_is_accepted_once(phone, send_code):
    code = send_code(phone)
    guess(phone, code)
    with pytest.raises(CodeExpired):
        guess(phone, code)


def test_a_resend_keeps_the_code_and_its_expiry(clock, phone, send_code, last_code):
    code = send_code(phone)
    clock.shift(299)
    assert ask(phone).expires_in == 301
    assert last_code(phone) == code
    clock.shift(300)
    guess(phone, code)


def test_a_resend_in_the_second_half_has_a_new_code(clock, settings, phone, send_code):
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    old = send_code(phone)
    clock.shift(300)
    assert ask(phone).expires_in == 600
    clock.shift(60)
    new = send_code(phone)
    assert new != old
    with pytest.raises(InvalidCode):
        guess(phone, old)
    guess(phone, new)


def test_a_code_expires(clock, phone, send_code):
    code = send_code(phone)
    clock.shift(600)
    with pytest.raises(CodeExpired):
        guess(phone, code)


def test_a_phone_that_never_asked_has_no_code_and_gets_no_row(phone):
    with pytest.raises(CodeExpired):
        guess(phone, "000000")
    assert not PhoneVerification.objects.exists()


@pytest.mark.parametrize("minutes", [0, 4, 5, 6, 10, 20, 45])
def test_a_stranger_who_asks_for_my_codes_voids_nothing(clock, settings, phone, send_code, minutes):
    settings.PHONE_REFERRALS_RESEND_WAIT = (30, 60)
    settings.PHONE_REFERRALS_MESSAGES_PER_DAY = 100
    latest = send_code(phone)
    for _ in range(minutes * 3):
        clock.shift(20)
        with suppress(ResendTooSoon):
            latest = send_code(phone)
    guess(phone, latest)


def test_a_code_is_worth_nothing_for_another_phone(phone, other_phone, settings, send_code):
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    code = send_code(phone)
    with pytest.raises(CodeExpired):
        guess(other_phone, code)
    send_code(other_phone)
    with pytest.raises(InvalidCode):
        guess(other_phone, code)


def test_a_code_is_worth_nothing_for_another_purpose(phone, settings, send_code):
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    code = send_code(phone)
    with pytest.raises(CodeExpired):
        guess(phone, code, purpose="delete")
    ask(phone, purpose="delete")
    with pytest.raises(InvalidCode):
        guess(phone, code, purpose="delete")
    guess(phone, code)


def test_no_column_holds_the_code(phone, settings, send_code):
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    code = send_code(phone)
    guess_wrong(phone, code)
    values = PhoneVerification.objects.values_list().get()
    assert code not in " ".join(map(str, values))
    # Nor a plain reading of one: it takes the site's secret, too.
    settings.SECRET_KEY = "stolen database, other site"
    with pytest.raises(InvalidCode):
        guess(phone, code)


def test_a_code_of_a_fallback_secret_is_accepted(phone, settings, send_code):
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    code = send_code(phone)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "the new one"
    with pytest.raises(InvalidCode):
        guess(phone, code)
    settings.SECRET_KEY_FALLBACKS = ["another", old]
    guess(phone, code)


def test_codes_are_made_with_the_new_secret_only(phone, settings, send_code):
    settings.SECRET_KEY_FALLBACKS = ["an old one"]
    code = send_code(phone)
    settings.SECRET_KEY_FALLBACKS = []
    guess(phone, code)


def test_a_code_is_shown_to_the_caller_only_where_it_is_echoed(phone, other_phone, settings, last_code):
    assert ask(phone).code == ""
    settings.PHONE_REFERRALS_ECHO_CODE = True
    sent = ask(other_phone)
    assert sent.code == last_code(other_phone)
    assert sent.code not in repr(sent)
    assert other_phone not in repr(sent)


# Limits


@pytest.mark.parametrize(("with_handle", "guesses"), [(True, 5), (False, 10)])
def test_after_too_many_wrong_guesses_the_right_one_is_refused(phone, last_code, with_handle, guesses):
    request_id = ask(phone).request_id if with_handle else ask(phone) and ""
    code = last_code(phone)
    for left in range(guesses - 1, -1, -1):
        with pytest.raises(InvalidCode) as refusal:
            guess(phone, another(code), request_id=request_id)
        assert refusal.value.extra == {"guesses_left": left}
    with pytest.raises(TooManyGuesses) as refusal:
        guess(phone, code, request_id=request_id)
    assert 0 < refusal.value.retry_after <= 30


def test_the_wrong_guesses_of_a_phone_survive_a_new_code(clock, monkeypatch, phone, last_code):
    monkeypatch.setattr(policy, "GUESSES_SINCE_SUCCESS", 7)
    request_id = ask(phone).request_id
    guess_wrong(phone, last_code(phone), times=5, request_id=request_id)
    clock.shift(30)
    request_id = ask(phone).request_id
    code = last_code(phone)
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, another(code), request_id=request_id)
    assert refusal.value.extra == {"guesses_left": 1}
    guess_wrong(phone, code, request_id=request_id)
    with pytest.raises(PhoneLocked):
        guess(phone, code, request_id=request_id)


def test_a_polling_stranger_keeps_no_owner_of_a_handle_out(clock, phone, last_code):
    def poll():
        for _ in range(30):
            with suppress(InvalidCode, CodeExpired, TooManyGuesses):
                guess(phone, "no code", request_id="0" * 32)

    poll()
    request_id = ask(phone).request_id
    poll()
    clock.shift(8)
    poll()
    with pytest.raises(TooManyGuesses):
        guess(phone, last_code(phone))
    guess(phone, last_code(phone), request_id=request_id)


def test_a_handle_is_bound_to_phone_purpose_and_code(clock, phone, other_phone, last_code):
    handles = [ask(other_phone).request_id, ask(phone).request_id]
    ask(phone, purpose="delete")
    clock.shift(300)
    handles.append(ask(phone, purpose="delete").request_id)
    assert len({*handles, ask(phone).request_id}) == 4
    for handle in handles:
        with pytest.raises(InvalidCode) as refusal:
            guess(phone, "no code", request_id=handle)
    assert refusal.value.extra == {"guesses_left": 7}, "each was a guess without a handle"


def test_a_resend_has_five_guesses_of_its_own(clock, phone, last_code):
    first = ask(phone).request_id
    code = last_code(phone)
    guess_wrong(phone, code, times=5, request_id=first)
    clock.shift(30)
    second = ask(phone).request_id
    assert last_code(phone) == code
    with pytest.raises(TooManyGuesses):
        guess(phone, code, request_id=first)
    guess(phone, code, request_id=second)


def test_a_handle_of_a_fallback_secret_is_known(phone, settings, last_code):
    request_id = ask(phone).request_id
    old, settings.SECRET_KEY = settings.SECRET_KEY, "the new one"
    settings.SECRET_KEY_FALLBACKS = [old]
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, "no code", request_id=request_id)
    assert refusal.value.extra == {"guesses_left": 4}


@pytest.mark.parametrize("junk", ["", "0" * 32, "\ud800", "\0", "x" * 10_000])
def test_junk_is_no_handle(phone, last_code, junk):
    ask(phone)
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, another(last_code(phone)), request_id=junk)
    assert refusal.value.extra == {"guesses_left": 9}


def test_a_signed_in_user_is_the_handle(clock, phone, make_user, last_code):
    mine, other = make_user(1), make_user(2)
    assert ask(phone, purpose="change_phone", user=mine).request_id == ""
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, "no code", purpose="change_phone", user=mine)
    assert refusal.value.extra == {"guesses_left": 4}
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, "no code", purpose="change_phone", user=other)
    assert refusal.value.extra == {"guesses_left": 9}
    row = PhoneVerification.objects.get()
    assert len(row.sent_at[0][2]) == 32, "a digest, not the key of a user"
    guess(phone, last_code(phone), purpose="change_phone", user=mine)


def test_the_same_work_is_done_whatever_a_phone_was_sent(
    clock, phone, other_phone, last_code, settings, monkeypatch, django_assert_num_queries
):
    """How long an answer takes must not tell whether a phone is known: counted, because times vary."""
    settings.SECRET_KEY_FALLBACKS = ["old"]
    compared, derived_of = [], []
    matches, handles, derive = codes.matches, codes.handles, codes.derive
    monkeypatch.setattr(codes, "matches", lambda code, these: compared.append(len(list(these))) or matches(code, these))
    monkeypatch.setattr(
        codes, "handles", lambda names, **values: derived_of.append(len(names)) or handles(names, **values)
    )
    monkeypatch.setattr(codes, "derive", lambda **values: derived_of.append("code") or derive(**values))
    seen = []
    for number in ("unknown", "asked", "asked twice", "used"):
        if number != "unknown":
            ask(phone)
            clock.shift(60)
        if number == "used":
            guess(phone, last_code(phone))
        clock.shift(600 if number == "used" else 0)
        compared.clear()
        derived_of.clear()
        with (
            django_assert_num_queries(1 if number in {"unknown", "used"} else 2),
            pytest.raises(CodeExpired if number in {"unknown", "used"} else InvalidCode),
        ):
            guess(other_phone if number == "unknown" else phone, "no code", request_id="junk")
        seen.append((tuple(compared), tuple(derived_of)))
    assert set(seen) == {((2, *[2] * 10), ("code", 10))}


def guess_wrong_for_days(phone, times, clock, last_code):
    for count in range(0, times, 5):
        clock.shift(timedelta(hours=3))
        request_id = ask(phone).request_id
        guess_wrong(phone, last_code(phone), times=min(5, times - count), request_id=request_id)


def test_the_hundredth_wrong_guess_locks_the_phone(clock, phone, other_phone, send_code, last_code):
    guess_wrong_for_days(phone, 99, clock, last_code)
    clock.shift(timedelta(hours=3))
    code = send_code(phone)
    guess_wrong(phone, code)
    with pytest.raises(PhoneLocked):
        guess(phone, code)
    clock.shift(timedelta(days=365))
    with pytest.raises(PhoneLocked):
        ask(phone)
    send_code(other_phone)  # Nobody else is concerned.

    assert PhoneVerification.objects.filter(phone_number=phone).clear() == 1
    with pytest.raises(CodeExpired):
        guess(phone, code)
    guess(phone, send_code(phone))


def test_a_success_resets_the_wrong_guesses_of_the_phone(clock, phone, send_code, last_code):
    guess_wrong_for_days(phone, 99, clock, last_code)
    clock.shift(timedelta(hours=3))
    guess(phone, send_code(phone))
    guess_wrong_for_days(phone, 10, clock, last_code)
    clock.shift(timedelta(hours=3))
    guess(phone, send_code(phone))


def test_clearing_one_phone_leaves_the_others_as_they_are(phone, other_phone, send_code):
    mine, others = send_code(phone), send_code(other_phone)
    PhoneVerification.objects.filter(phone_number=phone).clear()
    with pytest.raises(CodeExpired):
        guess(phone, mine)
    guess(other_phone, others)


def test_the_next_message_has_to_be_waited_for_until_a_success(clock, phone, outbox, send_code):
    assert ask(phone).resend_in == 30
    clock.shift(10)
    with pytest.raises(ResendTooSoon) as refusal:
        ask(phone)
    assert refusal.value.retry_after == 20
    clock.shift(20)
    assert ask(phone).resend_in == 60
    assert len(outbox) == 2
    clock.shift(60)
    guess(phone, send_code(phone))
    assert ask(phone).resend_in == 30


def test_the_day_of_a_phone_ends(clock, phone, outbox):
    for _ in range(10):
        ask(phone)
        clock.shift(3600)
    with pytest.raises(TooManyMessages) as refusal:
        ask(phone)
    clock.shift(refusal.value.retry_after - 1)
    with pytest.raises(TooManyMessages):
        ask(phone)
    clock.shift(1)
    ask(phone)
    assert len(outbox) == 11


def test_limits_are_those_of_one_phone_and_purpose(phone, other_phone, outbox):
    ask(phone)
    ask(other_phone)
    ask(phone, purpose="delete")
    assert len(outbox) == 3


@pytest.mark.parametrize(
    ("regions", "number", "served"),
    [
        ("*", "+12015550100", True),
        ("*", "+88216000000", True),
        (["US"], "+12015550100", True),
        (["US"], "+14165550100", False),  # Canada, under the same calling code
        (["CA", "RU"], "+14165550100", True),
        (["RU"], "+12015550100", False),
        ((), "+12015550100", False),
    ],
)
def test_only_allowed_regions_are_sent_messages(settings, outbox, regions, number, served):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    settings.PHONE_REFERRALS_NUMBER_TYPES = [*conf.number_types, "voip"]  # As a satellite phone is called.
    if served:
        ask(number)
    else:
        with pytest.raises(PhoneNotAllowed):
            ask(number)
    assert len(outbox) == PhoneVerification.objects.count() == served


# A gateway that fails


@pytest.mark.parametrize(
    ("error", "counting", "wait"),
    [(DeliveryFailed, 0, 30), (TimeoutError, 1, None), (ConnectionError, 1, None)],
)
def test_a_failed_message_costs_a_wait_or_a_place_in_the_day(
    clock, settings, phone, gateway, send_code, error, counting, wait
):
    gateway(error)
    with pytest.raises(DeliveryFailed) as failure:
        ask(phone)
    assert (failure.value.status_code, failure.value.retry_after) == (503, wait)
    row = PhoneVerification.objects.get()
    assert (len(row.sent_at), row.serial is None) == (counting, not counting)

    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
    clock.shift(wait or 0)
    guess(phone, send_code(phone))


def test_a_refusing_gateway_is_asked_less_often_each_time(clock, phone, gateway):
    gateway(DeliveryFailed)
    for _ in range(24 * 60):
        with pytest.raises((DeliveryFailed, ResendTooSoon)):
            ask(phone)
        clock.shift(60)
    assert len(FAILURE["texts"]) <= 32
    assert PhoneVerification.objects.get().sent_at == []


def test_a_message_that_times_out_but_comes_signs_in(phone, gateway):
    gateway(TimeoutError)
    with pytest.raises(DeliveryFailed):
        ask(phone)
    guess(phone, FAILURE["texts"][0].rpartition("#")[2])


def test_time_outs_do_not_lift_the_limit_of_messages(clock, phone, gateway):
    gateway(TimeoutError)
    for _ in range(10):
        with pytest.raises(DeliveryFailed):
            ask(phone)
    with pytest.raises(TooManyMessages):
        ask(phone)


@pytest.mark.parametrize("error", [DeliveryFailed, TimeoutError, ValueError])
def test_a_failure_is_logged_by_its_class_without_secrets(phone, gateway, caplog, error):
    caplog.set_level(logging.DEBUG)
    gateway(error)
    with pytest.raises(DeliveryFailed) as failure:
        ask(phone)
    code = FAILURE["texts"][0].rpartition("#")[2]
    assert [(each.name, each.levelname, each.getMessage()) for each in caplog.records if each.levelno >= 40] == [
        ("phone_referrals", "ERROR", f"SMS not delivered: {error.__name__}")
    ]
    for text in (caplog.text, str(failure.value), repr(failure.value)):
        assert phone not in text
        assert phone[2:] not in text
        assert code not in text
    # A traceback must not quote the gateway.
    assert failure.value.__context__ is None


def test_a_phone_cleared_meanwhile_gets_nothing_back(phone, settings):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.ClearingSmsBackend"
    with pytest.raises(DeliveryFailed):
        ask(phone)
    assert PhoneVerification.objects.get().state == State()


class ClearingSmsBackend(BaseSmsBackend):
    def send(self, message):
        PhoneVerification.objects.clear()
        raise DeliveryFailed


# Transactions


def test_no_code_is_sent_or_checked_inside_a_transaction(phone, outbox, send_code):
    code = send_code(phone)
    before = PhoneVerification.objects.values().get()
    with transaction.atomic(), pytest.raises(TransactionManagementError, match="non_atomic_requests"):
        guess(phone, another(code))
    with transaction.atomic(), pytest.raises(TransactionManagementError) as refused:
        ask(phone)
    assert str(refused.value) == (
        "Codes are not sent or checked inside a transaction: a rollback would forget guesses. "
        "Call this outside atomic(), and exempt the view with transaction.non_atomic_requests."
    )
    assert PhoneVerification.objects.values().get() == before
    assert len(outbox) == 1


def host_view(request):
    check_code(phone_number="+12015550100", code=request.GET["code"])
    return JsonResponse({})


@transaction.non_atomic_requests
def exempt_host_view(request):
    return host_view(request)


urlpatterns = [
    path("api/", include("phone_referrals.urls")),
    path("host/", host_view),
    path("host/exempt/", exempt_host_view),
]


@pytest.fixture
def atomic_requests(settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


@pytest.mark.django_db(transaction=True)
def test_a_wrong_guess_counts_with_atomic_requests_too(atomic_requests, api, phone, last_code):
    api.post("/api/users/get_verify_code/", {"phone_number": phone})
    data = {"phone_number": phone, "code": another(last_code(phone))}
    answers = [api.post("/api/users/auth/", data) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 10
    answer = api.post("/api/users/auth/", {**data, "code": last_code(phone)})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_guesses")


@pytest.mark.django_db(transaction=True)
def test_signing_in_works_with_atomic_requests(atomic_requests, sign_in, phone):
    assert sign_in(phone).get("/api/users/me/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_hosts_view_is_told_to_leave_atomic_requests(atomic_requests, client, phone, send_code):
    code = send_code(phone)
    with pytest.raises(TransactionManagementError, match="non_atomic_requests"):
        client.get("/host/", {"code": code})
    assert client.get("/host/exempt/", {"code": code}).status_code == 200


# Signals


@pytest.fixture
def received():
    """Collect `(signal name, keywords)` of what is sent."""
    received = []
    receivers = []
    for name in ("code_sent", "phone_verified"):

        def receiver(sender, signal, name=name, **kwargs):
            assert sender is PhoneVerification
            received.append((name, kwargs))

        getattr(signals, name).connect(receiver)
        receivers.append((name, receiver))
    yield received
    for name, receiver in receivers:
        getattr(signals, name).disconnect(receiver)


def test_signals_tell_phone_and_purpose_and_never_the_code(received, phone, send_code):
    code = send_code(phone)
    guess_wrong(phone, code)
    guess(phone, code)
    keywords = {"phone_number": phone, "purpose": "sign_in"}
    assert received == [("code_sent", keywords), ("phone_verified", keywords)]


def test_nothing_is_announced_where_nothing_was_sent_or_proven(received, phone, gateway):
    gateway(TimeoutError)
    with pytest.raises(DeliveryFailed):
        ask(phone)
    with pytest.raises(InvalidCode):
        guess(phone, another(FAILURE["texts"][0].rpartition("#")[2]))
    assert received == []


def test_a_receiver_that_raises_changes_nothing_for_the_visitor(phone, send_code, caplog):
    def receiver(**kwargs):
        msg = "a bug of the host"
        raise RuntimeError(msg)

    signals.code_sent.connect(receiver)
    signals.phone_verified.connect(receiver)
    try:
        guess(phone, send_code(phone))
    finally:
        signals.code_sent.disconnect(receiver)
        signals.phone_verified.disconnect(receiver)
    assert caplog.text.count("RuntimeError: a bug of the host") == 2


# Other requests in between, step by step


@pytest.fixture
def overtake(monkeypatch):
    """Let another request run whenever a policy function has been handed its state, `times` times."""

    def overtake(name, other, times=1):
        decide, left = getattr(policy, name), [times]

        def overtaken(state, **kwargs):
            if left[0]:
                left[0] -= 1
                other()
            return decide(state, **kwargs)

        monkeypatch.setattr(policy, name, overtaken)

    return overtake


@pytest.mark.django_db(transaction=True)
def test_of_two_first_requests_one_sends_and_one_waits(overtake, phone, outbox):
    overtake("on_request", lambda: ask(phone))
    with pytest.raises(ResendTooSoon):
        ask(phone)
    assert len(outbox) == 1


def test_of_two_later_requests_one_sends_and_one_waits(overtake, clock, phone, outbox):
    ask(phone)
    clock.shift(30)
    overtake("on_request", lambda: ask(phone))
    with pytest.raises(ResendTooSoon):
        ask(phone)
    assert len(outbox) == 2


def test_of_two_right_guesses_one_is_accepted(overtake, phone, send_code):
    code = send_code(phone)
    overtake("on_guess", lambda: guess(phone, code))
    with pytest.raises(CodeExpired):
        guess(phone, code)


def test_a_right_guess_after_the_last_wrong_one_is_refused(overtake, phone, send_code):
    code = send_code(phone)
    guess_wrong(phone, code, times=9)
    overtake("on_guess", lambda: guess_wrong(phone, code))
    with pytest.raises(TooManyGuesses):
        guess(phone, code)


def test_both_of_two_wrong_guesses_are_counted(overtake, phone, send_code):
    code = send_code(phone)
    overtake("on_guess", lambda: guess_wrong(phone, code))
    with pytest.raises(InvalidCode) as refusal:
        guess(phone, another(code))
    assert refusal.value.extra == {"guesses_left": 8}


@pytest.mark.parametrize(("times", "refusal"), [(19, InvalidCode), (20, Busy)])
def test_who_is_overtaken_again_and_again_is_asked_to_come_back(overtake, phone, send_code, times, refusal):
    code = send_code(phone)

    def touch():
        PhoneVerification.objects.update(version=models.F("version") + 1)

    overtake("on_guess", touch, times=times)
    with pytest.raises(refusal) as refused:
        guess(phone, another(code))
    assert refused.value.retry_after == (1 if refusal is Busy else None)


def test_a_code_that_the_gateway_refused_cannot_be_guessed(settings, phone):
    settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.RefusingSmsBackend"
    with pytest.raises(DeliveryFailed):
        ask(phone)
    with pytest.raises(CodeExpired):
        guess(phone, "000000")


def test_a_delivered_code_outlives_a_later_undelivered_one(clock, settings, phone, send_code):
    code = send_code(phone)
    clock.shift(301)
    settings.PHONE_REFERRALS_SMS_BACKEND = "tests.gateways.RefusingSmsBackend"
    with pytest.raises(DeliveryFailed):
        ask(phone)
    guess(phone, code)


def test_a_text_that_cannot_be_rendered_costs_no_wait(settings, phone):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False}]
    with pytest.raises(DeliveryFailed):
        ask(phone)
    assert PhoneVerification.objects.get().resend_at is None


@pytest.mark.django_db(transaction=True)
def test_codes_are_not_checked_while_autocommit_is_off(phone, send_code):
    code = send_code(phone)
    transaction.set_autocommit(False)
    try:
        with pytest.raises(TransactionManagementError):
            guess(phone, code)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def test_a_number_that_is_sent_nothing_counts_as_no_sign_in(phone, settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": "123456", "until": "2099-01-01"}}
    request_code(phone_number=phone, host="example.com")
    check_code(phone_number=phone, code="123456")
    assert not SmsUsage.objects.exists()


@pytest.mark.parametrize("purpose", ["sign_in", "change_phone"])
def test_a_sites_own_text_may_say_what_the_code_is_for(phone, outbox, settings, purpose):
    loader = ("django.template.loaders.locmem.Loader", {"phone_referrals/sms.txt": "{{ purpose }} #{{ code }}"})
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": {"loaders": [loader]}}]
    request_code(phone_number=phone, purpose=purpose, host="example.com")
    assert outbox[0].text.startswith(f"{purpose} #")


def test_a_code_is_of_one_phone_and_one_purpose(phone, other_phone):
    each = [(number, purpose) for number in (phone, other_phone) for purpose in ("sign_in", "change_phone")]
    assert len({codes.derive(phone_number=number, purpose=purpose, serial=1)[0] for number, purpose in each}) == 4


def test_what_was_sent_is_said_and_names_the_host(phone, outbox):
    assert request_code(phone_number=phone, host="example.com").phone_number == phone
    assert "@example.com #" in outbox[0].text


GUARDED = []


def note(request):
    GUARDED.append(request)


def test_guards_are_told_of_no_address_where_there_is_none(phone, settings):
    settings.PHONE_REFERRALS_SEND_GUARDS = [f"{__name__}.note"]
    GUARDED.clear()
    request_code(phone_number=phone, host="example.com")
    assert [(each.phone_number, each.address) for each in GUARDED] == [(phone, "")]


# Whatever the site's clock shows


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-01 05:55:00+00:00",  # In New York it is 1:55, and in five minutes 1:00 once more.
        "2026-03-08 06:55:00+00:00",  # It is 1:55 there too, and in five minutes 3:00.
    ],
)
def test_a_code_and_its_wait_last_as_long_through_summer_time(
    time_machine, settings, phone, outbox, moment, use_tz, zone
):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, zone
    time_machine.move_to(moment, tick=False)
    ask(phone)
    code = outbox[-1].text.rpartition("#")[2]
    time_machine.shift(299)
    assert ask(phone).expires_in == 301
    with pytest.raises(ResendTooSoon) as refusal:
        ask(phone)
    assert refusal.value.retry_after == 60
    time_machine.shift(300)
    guess(phone, code)

    ask(phone)
    code = outbox[-1].text.rpartition("#")[2]
    time_machine.shift(600)
    with pytest.raises(CodeExpired):
        guess(phone, code)
    assert PhoneVerification.objects.get().updated_at == pytest.approx(time() - 600)


def test_a_clock_that_was_set_back_does_not_lengthen_a_code(clock, phone, send_code):
    code = send_code(phone)
    clock.shift(-3600)
    with pytest.raises(CodeExpired):
        guess(phone, code)
    assert ask(phone).expires_in == 600
