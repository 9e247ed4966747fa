"""Which regions and types of numbers are sent messages."""

import phonenumbers
import pytest
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from phone_referrals import phones
from phone_referrals.exceptions import PhoneNotAllowed, RegionNotServed
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import guards
from phone_referrals.signin.verification import request_code

pytestmark = pytest.mark.django_db

SHARED_CALLING_CODES = {
    "+1": ["US", "CA", "JM", "PR", "DO"],
    "+7": ["RU", "KZ"],
    "+44": ["GB", "JE", "GG", "IM"],
}
NEIGHBOURS = [
    pytest.param(region, [other for other in regions if other != region], id=region)
    for regions in SHARED_CALLING_CODES.values()
    for region in regions
]


def mobile_of(region):
    if region == "IM":
        # libphonenumber's own example (+44 7924 …) is within the ranges of both the Isle of Man and Great Britain.
        return "+447624212345"
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def number_of_type(name):
    """Return libphonenumber's example of a type, from the first region that has one, and the region."""
    [number_type] = [key for key, value in phones.TYPES.items() if value == name]
    for region in sorted(SUPPORTED_REGIONS):
        number = phonenumbers.example_number_for_type(region, number_type)
        if number and phonenumbers.number_type(number) == number_type:
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # Of "unknown" there is no valid number; this one is too short.
    return "+12015550"


def ask(phone):
    return request_code(phone_number=phone, host="example.com")


def nothing_was_done(outbox):
    return not (outbox or PhoneVerification.objects.exists() or SmsUsage.objects.exists())


@pytest.mark.parametrize(("region", "neighbours"), NEIGHBOURS)
def test_regions_that_share_a_calling_code_are_told_apart(settings, outbox, region, neighbours):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = [region]

    for neighbour in neighbours:
        with pytest.raises(RegionNotServed):
            ask(mobile_of(neighbour))
    assert nothing_was_done(outbox)

    ask(mobile_of(region))
    assert [message.phone_number for message in outbox] == [mobile_of(region)]
    assert SmsUsage.objects.get().region == region


@pytest.mark.parametrize(("region", "neighbours"), NEIGHBOURS)
def test_an_unlisted_region_is_refused_beside_its_neighbours(settings, outbox, region, neighbours):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = neighbours

    with pytest.raises(RegionNotServed):
        ask(mobile_of(region))
    assert nothing_was_done(outbox)


def test_with_a_star_every_region_is_served(settings):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = "*"

    for region in ("US", "JM", "KZ", "IM", "ZW"):
        ask(mobile_of(region))


@pytest.mark.parametrize(("debug", "served"), [(True, True), (False, False)])
def test_without_regions_production_serves_none(settings, phone, debug, served):
    del settings.PHONE_REFERRALS_ALLOWED_REGIONS
    settings.DEBUG = debug

    if served:
        ask(phone)
    else:
        with pytest.raises(RegionNotServed):
            ask(phone)


def test_a_site_that_serves_nobody_is_told_once_in_its_log(settings, phone, caplog):
    del settings.PHONE_REFERRALS_ALLOWED_REGIONS
    guards._log_that_nobody_is_served.cache_clear()

    for number in (phone, "+12015550101", mobile_of("GB")):
        with pytest.raises(RegionNotServed):
            ask(number)

    assert [record.getMessage() for record in caplog.records] == [
        "PHONE_REFERRALS_ALLOWED_REGIONS names no region, so no phone is served."
    ]


@pytest.mark.parametrize(
    ("regions", "types", "code"),
    [
        (["GB"], ["mobile", "fixed_line_or_mobile"], "region_not_served"),
        (["US"], ["mobile"], "phone_not_allowed"),
    ],
)
def test_a_refusal_depends_on_the_number_only(
    settings, api, make_user, phone, regions, types, code, django_assert_num_queries
):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    settings.PHONE_REFERRALS_NUMBER_TYPES = types
    make_user()
    with django_assert_num_queries(0):
        answers = [
            api.post("/api/users/get_verify_code/", {"phone_number": number}, format="json")
            for number in (phone, "+12015550101")
        ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == code
    assert answers[0].json().keys() == {"detail", "code"}


@pytest.mark.parametrize("name", ["mobile", "fixed_line_or_mobile"])
def test_mobile_numbers_are_sent_messages(outbox, name):
    ask(number_of_type(name))
    assert len(outbox) == 1


CODES_OF_TYPES = {
    "fixed_line": "landline_not_allowed",
    **dict.fromkeys(("premium_rate", "shared_cost", "toll_free", "uan"), "service_number_not_allowed"),
}


@pytest.mark.parametrize("name", sorted(set(phones.TYPES.values()) - {"mobile", "fixed_line_or_mobile"}))
def test_a_refusal_tells_landlines_services_and_regions_apart(outbox, name):
    phone = number_of_type(name)
    assert phones.type_of(phone) == name

    with pytest.raises(PhoneNotAllowed) as refusal:
        ask(phone)

    assert refusal.value.code == CODES_OF_TYPES.get(name, "phone_not_allowed")
    assert nothing_was_done(outbox)


@pytest.mark.parametrize(
    ("number", "missing"),
    [
        ("+541123456789", " Mobile numbers of this country have a 9 after +54."),  # Buenos Aires
        ("+551131234567", ""),  # São Paulo, where a 9 before a 3 is nobody's
        ("+33199001234", ""),
    ],
)
def test_a_landline_that_may_be_mobile_is_told_what_is_missing(number, missing):
    with pytest.raises(PhoneNotAllowed) as refusal:
        ask(number)
    assert refusal.value.message == f"Codes are not sent to landlines. Enter a mobile number.{missing}"


@pytest.mark.parametrize("name", sorted(set(phones.TYPES.values()) - {"unknown"}))
def test_a_host_may_name_other_types(settings, outbox, name):
    settings.PHONE_REFERRALS_NUMBER_TYPES = [name]

    ask(number_of_type(name))
    with pytest.raises(PhoneNotAllowed) as refusal:
        ask(number_of_type("voip" if name == "mobile" else "mobile"))
    assert refusal.value.code == "phone_not_allowed"
    assert len(outbox) == 1


@pytest.mark.parametrize("name", ["premium_rate", "shared_cost", "toll_free", "uan"])
def test_the_api_refuses_a_number_that_costs(api, outbox, name):
    answer = api.post("/api/users/get_verify_code/", {"phone_number": number_of_type(name)}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "service_number_not_allowed")
    assert nothing_was_done(outbox)
