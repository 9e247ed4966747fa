import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q, QuerySet, Sum

from phone_referrals import signals
from phone_referrals.exceptions import CodeExpired, DeliveryFailed, PhoneReferralsError, ResendTooSoon, SmsLimitReached
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import usage
from phone_referrals.signin.verification import check_code, request_code

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
US = [f"+12015550{number}" for number in range(100, 200)]
CA = [f"+14165550{number}" for number in range(100, 200)]
REFUSING = "tests.gateways.RefusingSmsBackend"
SILENT = "tests.gateways.SilentSmsBackend"


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture(params=[1, 3], ids=["1 slot", "3 slots"])
def slots(request, spread):
    spread(request.param)


@pytest.fixture
def spread(monkeypatch):
    """Spread each day over so many rows, or as many as its ceiling has segments."""

    def spread(slots):
        monkeypatch.setattr(usage, "SEGMENTS_PER_SLOT", 1)
        monkeypatch.setattr(usage, "MOST_SLOTS", slots)

    return spread


@pytest.mark.parametrize(
    ("limit", "slots"),
    [(0, 1), (500, 1), (99_999, 1), (100_000, 2), (799_999, 15), (800_000, 16), (10**9, 16), (None, 16)],
)
def test_a_day_has_as_many_rows_as_its_ceiling_needs(settings, limit, slots):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": limit, "total": limit}
    assert usage.slots_of("US") == usage.slots_of("") == slots


def test_a_region_whose_conversion_is_watched_has_one_row(conversion, settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": None, "total": 10**9}
    assert (usage.slots_of("US"), usage.slots_of("")) == (1, 16)


@pytest.fixture
def signalled():
    """What is signalled: `("limit" or "pause", keywords)`."""
    heard = []

    def on_limit(sender, signal, **keywords):
        assert sender is SmsUsage
        heard.append(("limit", keywords))

    def on_pause(sender, signal, **keywords):
        assert sender is SmsUsage
        heard.append(("pause", keywords))

    signals.sms_limit_reached.connect(on_limit)
    signals.sms_paused.connect(on_pause)
    yield heard
    signals.sms_limit_reached.disconnect(on_limit)
    signals.sms_paused.disconnect(on_pause)


def ask(phone):
    return request_code(phone_number=phone, host="example.com")


def send(phones):
    """Ask for a code for each phone; return how many were sent."""
    sent = 0
    for phone in phones:
        try:
            ask(phone)
        except SmsLimitReached:
            continue
        sent += 1
    return sent


def table(**rows):
    """What was counted: `{region: (sent, verified, failed)}`, of the rows of one day if it is given."""
    counts = SmsUsage.objects.filter(**rows).values_list("region").annotate(Sum("sent"), Sum("verified"), Sum("failed"))
    return {region: tuple(count) for region, *count in counts}


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_messages_and_sign_ins_are_counted_by_day_and_region(slots, send_code, time_machine):
    for phone in (*US[:4], *CA[:2]):
        code = send_code(phone)
        if phone in US[:3]:
            check_code(phone_number=phone, code=code)
    assert table() == {"US": (4, 3, 0), "CA": (2, 0, 0)}

    time_machine.shift(timedelta(days=1))
    ask(US[0])
    assert table(day=NOON.date() + timedelta(days=1)) == {"US": (1, 0, 0)}
    assert table(day=NOON.date()) == {"US": (4, 3, 0), "CA": (2, 0, 0)}


def test_a_sign_in_counts_for_its_own_day(send_code, time_machine):
    time_machine.move_to(NOON.replace(hour=23, minute=59))
    code = send_code(US[0])
    time_machine.shift(120)
    check_code(phone_number=US[0], code=code)

    assert table(day=NOON.date()) == {"US": (1, 0, 0)}
    assert table(day=NOON.date() + timedelta(days=1)) == {"US": (0, 1, 0)}


def test_a_wrong_code_is_no_sign_in(send_code):
    code = send_code(US[0])
    with pytest.raises(PhoneReferralsError):
        check_code(phone_number=US[0], code=f"{(int(code) + 1) % 10**6:06}")
    assert table() == {"US": (1, 0, 0)}


def test_a_busy_region_is_counted_in_all_its_rows(spread):
    spread(3)
    send(US)
    assert sorted(SmsUsage.objects.values_list("slot", flat=True)) == [0, 1, 2]
    assert min(SmsUsage.objects.values_list("sent", flat=True)) > 10


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("settings_", "sent"),
    [
        ({"SMS_DAILY_LIMIT": {"US": 10}}, {"US": 10, "CA": 20}),
        ({"SMS_DAILY_LIMIT": {"US": 10, "CA": 4}}, {"US": 10, "CA": 4}),
        ({"SMS_DAILY_LIMIT": {"GB": 1}}, {"US": 20, "CA": 20}),
        ({"SMS_DAILY_LIMIT": {"total": 25}}, {"US": 20, "CA": 5, "": 25}),
        ({"SMS_DAILY_LIMIT": {"total": 12, "US": 10}}, {"US": 10, "CA": 2, "": 12}),
        ({"SMS_DAILY_LIMIT": {"total": 1}}, {"US": 1, "CA": 0, "": 1}),
        ({"SMS_DAILY_LIMIT": {"total": 0}}, {"US": 0, "CA": 0, "": 0}),
        ({"SMS_DAILY_LIMIT": {"US": 0}}, {"US": 0, "CA": 20}),
    ],
)
def test_no_more_is_sent_than_the_ceilings(slots, settings, outbox, settings_, sent):
    for name, value in settings_.items():
        setattr(settings, f"PHONE_REFERRALS_{name}", value)

    send([*US[:20], *CA[:20]])

    # What was refused in all is given back to the region.
    assert {region: counted for region, (counted, _, _) in table().items()} == sent
    assert len(outbox) == sent["US"] + sent["CA"]


def test_a_reached_ceiling_is_seen_over_any_number_of_slots(settings, spread, django_assert_num_queries):
    spread(10)
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 12}
    while True:
        try:
            usage.reserve(US[0], segments=1)
        except SmsLimitReached:
            break
    assert table()["US"] == (12, 0, 0)
    # Its own slot, twice, if it has a row, all of them, and whether that has been reported.
    with django_assert_num_queries(5), pytest.raises(SmsLimitReached):
        usage.reserve(US[0], segments=1)


def test_of_two_slots_the_second_is_used_when_the_first_is_full(settings, spread):
    spread(2)
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 2}
    for _ in range(2):
        usage.reserve(US[0], segments=1)
    assert table()["US"] == (2, 0, 0)


@pytest.mark.parametrize(("region", "days"), [("CA", 0), ("US", -1)])
def test_what_is_full_of_another_region_or_day_is_no_matter(settings, spread, region, days):
    spread(3)
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 3}
    for slot in range(3):
        SmsUsage.objects.create(day=NOON.date() + timedelta(days=days), region=region, slot=slot, sent=99)
    for _ in range(3):
        usage.reserve(US[0], segments=1)


def test_a_ceiling_that_was_lowered_holds_at_once(slots, settings):
    send(US[:10])
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 5}
    assert send(US[10:20]) == 0
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 90}
    assert send(US[20:30]) == 10


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (NOON, 12 * 3600),
        (NOON.replace(hour=0), 24 * 3600),
        (NOON.replace(hour=23, minute=59, second=59), 1),
        (NOON.replace(hour=23, minute=59, second=59, microsecond=999_999), 1),
    ],
)
def test_who_meets_a_ceiling_is_told_to_wait_for_midnight_utc(settings, api, time_machine, now, wait):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
    time_machine.move_to(now, tick=False)
    settings.TIME_ZONE = "Asia/Kamchatka"  # Of the process too, which moving its clock would set back.

    answer = api.post("/api/users/get_verify_code/", {"phone_number": US[0]}, format="json")

    assert answer.status_code == 503
    assert answer["Retry-After"] == str(wait)
    assert answer.json().keys() == {"detail", "code"}
    assert answer.json()["code"] == "sms_limit_reached"


def test_the_next_day_starts_anew(slots, settings, time_machine, signalled, caplog):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 10}
    assert send(US[:20]) == 10

    time_machine.move_to(NOON.replace(day=2, hour=0), tick=False)
    assert send(US[20:40]) == 10
    assert len(signalled) == len(errors(caplog)) == 2


def test_who_is_refused_by_a_ceiling_pays_nothing(settings, outbox, phone):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
    for _ in range(12):
        with pytest.raises(SmsLimitReached):
            ask(phone)
    row = PhoneVerification.objects.get()
    assert (row.sent_at, row.resend_at, row.sent_since_success) == ([], None, 0)
    assert outbox == []

    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"*": None}
    assert ask(phone).resend_in == 30


@pytest.mark.parametrize("refusal", ["ceiling", "gateway"])
def test_a_code_that_was_not_sent_is_not_there_to_be_guessed(settings, phone, refusal):
    if refusal == "ceiling":
        settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
    else:
        settings.PHONE_REFERRALS_SMS_BACKEND = REFUSING
    for _ in range(3):
        with pytest.raises(PhoneReferralsError):
            ask(phone)
        with pytest.raises(CodeExpired):
            check_code(phone_number=phone, code="123456")
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 0


def test_the_code_before_a_refused_message_goes_on_working(settings, send_code, phone, time_machine):
    code = send_code(phone)
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
    time_machine.shift(400)
    with pytest.raises(SmsLimitReached):
        ask(phone)
    check_code(phone_number=phone, code=code)


@pytest.mark.parametrize(
    ("settings_", "region", "limit"),
    [
        ({"SMS_DAILY_LIMIT": {"US": 2}}, "US", 2),
        ({"SMS_DAILY_LIMIT": {"total": 2}}, "", 2),
        ({"SMS_DAILY_LIMIT": {"total": 0}}, "", 0),
    ],
)
def test_a_ceiling_is_reported_once_a_day(slots, settings, signalled, caplog, settings_, region, limit):
    for name, value in settings_.items():
        setattr(settings, f"PHONE_REFERRALS_{name}", value)
    send(US[:limit])
    assert signalled == errors(caplog) == []

    send(US[limit : limit + 5])

    setting = f'PHONE_REFERRALS_SMS_DAILY_LIMIT["{region or "total"}"]'
    assert signalled == [("limit", {"region": region, "limit": limit, "setting": setting})]
    [error] = errors(caplog)
    assert f"region {region}" in error if region else "any region" in error
    assert f"{limit} segments" in error
    assert f"raise {setting}" in error
    assert [row.slot for row in SmsUsage.objects.filter(limit_reported=True)] == [0]
    assert not [phone for phone in US if phone in caplog.text]


def test_each_region_reports_its_own_ceiling(settings, signalled, caplog):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 1, "CA": 2}
    send([*US[:5], *CA[:5], *US[5:9]])
    assert [(kind, keywords["region"], keywords["limit"]) for kind, keywords in signalled] == [
        ("limit", "US", 1),
        ("limit", "CA", 2),
    ]
    assert len(errors(caplog)) == 2


def test_a_receiver_that_raises_changes_nothing_for_the_visitor(settings, phone, caplog):
    def receiver(**keywords):
        raise ZeroDivisionError

    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 0}
    signals.sms_limit_reached.connect(receiver)
    try:
        with pytest.raises(SmsLimitReached):
            ask(phone)
    finally:
        signals.sms_limit_reached.disconnect(receiver)


def test_a_refused_message_is_failed_and_not_sent(slots, settings):
    settings.PHONE_REFERRALS_SMS_BACKEND = REFUSING
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 1}
    for number in range(3):
        with pytest.raises(DeliveryFailed):
            ask(f"+1201555010{number}")
    assert table() == {"US": (0, 0, 3), "": (0, 0, 3)}


def test_a_message_of_which_nobody_knows_is_failed_and_sent(slots, settings, phone, other_phone):
    settings.PHONE_REFERRALS_SMS_BACKEND = SILENT
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 1}
    with pytest.raises(DeliveryFailed):
        ask(phone)
    for _ in range(2):
        with pytest.raises(SmsLimitReached):
            ask(other_phone)
    assert table() == {"US": (1, 0, 1), "": (1, 0, 1)}


def test_a_gateway_that_is_silent_costs_no_waiting(settings, phone):
    settings.PHONE_REFERRALS_SMS_BACKEND = SILENT
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            ask(phone)
    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
    ask(phone)
    with pytest.raises(ResendTooSoon):
        ask(phone)


def test_a_resend_that_is_too_soon_is_not_counted(phone):
    ask(phone)
    for _ in range(3):
        with pytest.raises(ResendTooSoon):
            ask(phone)
    assert table() == {"US": (1, 0, 0)}


@pytest.fixture
def conversion(settings):
    """Pause a region of ten messages and more if less than half of them led to a sign-in."""
    settings.PHONE_REFERRALS_MIN_CONVERSION = (10, 0.5)


def verify(count, phone=US[0]):
    for _ in range(count):
        usage.record_verified(phone)


def test_a_region_whose_codes_nobody_enters_is_paused(conversion, signalled, caplog, outbox):
    assert send(US[:20]) == len(outbox) == 10
    assert signalled == [("pause", {"region": "US"})]
    assert ["PHONE_REFERRALS_MIN_CONVERSION" in error and "US" in error for error in errors(caplog)] == [True]


def test_a_pause_is_answered_like_a_ceiling(conversion, api):
    send(US[:10])
    answer = api.post("/api/users/get_verify_code/", {"phone_number": US[10]}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "sms_limit_reached")
    assert answer["Retry-After"] == "43200"


def test_one_region_paused_leaves_the_others_open(conversion):
    assert send([*US[:20], *CA[:5]]) == 15


def test_all_regions_together_are_never_paused(conversion, settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 100}
    assert send([*US[:9], *CA[:9]]) == 18


def test_a_paused_region_goes_on_as_its_codes_are_entered(conversion, signalled):
    send(US[:11])
    verify(4)
    assert send(US[20:25]) == 0
    verify(1)
    assert send(US[30:35]) == 1
    verify(3)
    assert send(US[40:50]) == 6
    assert signalled == [("pause", {"region": "US"})]


def test_a_region_whose_codes_are_entered_is_never_paused(conversion, signalled, send_code):
    for number, phone in enumerate(US[:40]):
        code = send_code(phone)
        if number % 2 == 0:
            check_code(phone_number=phone, code=code)
    assert signalled == []


@pytest.mark.unmeasured
@pytest.mark.parametrize(("hour", "more"), [(0, 0), (6, 3), (12, 5), (18, 8), (23, 10)])
def test_yesterday_weighs_as_much_as_of_it_is_within_24_hours(conversion, settings, time_machine, hour, more):
    settings.TIME_ZONE = "Asia/Kamchatka"  # Days are those of UTC all the same.
    assert send(US[:20]) == 10
    time_machine.move_to(NOON.replace(day=2, hour=hour), tick=False)
    assert send(US[20:40]) == more


def test_two_days_later_a_pause_is_forgotten(conversion, time_machine):
    assert send(US[:20]) == 10
    time_machine.move_to(NOON.replace(day=3, hour=0), tick=False)
    assert send(US[20:40]) == 10


def test_yesterdays_sign_ins_weigh_as_its_messages_do(conversion, time_machine):
    send(US[:10])
    verify(10)
    time_machine.move_to(NOON.replace(day=2, hour=0), tick=False)
    # 10 of 20 is half; a 21st message needs more.
    assert send(US[20:40]) == 11


def test_a_pause_is_reported_each_day(conversion, time_machine, signalled):
    send(US[:20])
    time_machine.move_to(NOON.replace(day=2, hour=0), tick=False)
    send(US[20:40])
    assert signalled == [("pause", {"region": "US"})] * 2


def test_a_refused_message_does_not_count_against_conversion(conversion, settings):
    settings.PHONE_REFERRALS_SMS_BACKEND = REFUSING
    for phone in US[:20]:
        with pytest.raises(DeliveryFailed):
            ask(phone)
    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
    assert send(US[20:40]) == 10


def test_what_is_met_first_is_what_is_reported(conversion, settings, signalled):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 10, "CA": 20}
    send([*US[:20], *CA[:20]])
    assert [(kind, keywords["region"]) for kind, keywords in signalled] == [("limit", "US"), ("pause", "CA")]


def test_a_ceiling_holds_where_a_pause_is_looked_for(conversion, settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 5}
    assert send(US[:20]) == 5


def test_a_pause_is_off_by_default(signalled):
    assert send(US) == 100
    assert signalled == []


def test_a_row_made_by_two_requests_at_once_is_one_row(monkeypatch):
    monkeypatch.setattr(QuerySet, "exists", lambda self: False)
    for _ in range(2):
        usage._add(NOON.date(), "US", 0, Q(sent__lt=0))
    assert SmsUsage.objects.count() == 1
