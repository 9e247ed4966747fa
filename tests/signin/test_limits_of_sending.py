"""Which regions and types of numbers are sent messages."""

import phonenumbers
import pytest
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from phone_referrals import phones
from phone_referrals.exceptions import PhoneNotAllowed
from phone_referrals.models import PhoneVerification, SmsUsage
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
        with pytest.raises(PhoneNotAllowed):
            ask(mobile_of(neighbour))
    assert nothing_was_done(outbox)

    ask(mobile_of(region))
    assert [message.phone_number for message in outbox] == [mobile_of(region)]
    assert SmsUsage.objects.get().region == region


@pytest.mark.parametrize(("region", "neighbours"), NEIGHBOURS)
def test_a_region_that_is_not_listed_is_refused_beside_all_its_neighbours(settings, outbox, region, neighbours):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = neighbours

    with pytest.raises(PhoneNotAllowed):
        ask(mobile_of(region))
    assert nothing_was_done(outbox)


def test_with_a_star_every_region_is_served(settings):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = "*"

    for region in ("US", "JM", "KZ", "IM", "ZW"):
        ask(mobile_of(region))


@pytest.mark.parametrize(("debug", "served"), [(True, True), (False, False)])
def test_with_no_regions_set_all_are_served_in_development_and_none_in_production(settings, phone, debug, served):
    del settings.PHONE_REFERRALS_ALLOWED_REGIONS
    settings.DEBUG = debug

    if served:
        ask(phone)
    else:
        with pytest.raises(PhoneNotAllowed):
            ask(phone)


def test_a_region_that_is_not_listed_gets_the_same_answer_with_and_without_a_user(settings, api, make_user, phone):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["GB"]
    make_user()
    answers = [
        api.post("/api/users/get_verify_code/", {"phone_number": number}, format="json")
        for number in (phone, "+12015550101")
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "phone_not_allowed"
    assert answers[0].json().keys() == {"detail", "code"}


@pytest.mark.parametrize("name", ["mobile", "fixed_line_or_mobile"])
def test_mobile_numbers_are_sent_messages(outbox, name):
    ask(number_of_type(name))
    assert len(outbox) == 1


@pytest.mark.parametrize("name", sorted(set(phones.TYPES.values()) - {"mobile", "fixed_line_or_mobile"}))
def test_every_other_type_is_refused_by_default(outbox, name):
    phone = number_of_type(name)
    assert phones.type_of(phone) == name

    with pytest.raises(PhoneNotAllowed) as refusal:
        ask(phone)

    assert refusal.value.code == "phone_not_allowed"
    assert nothing_was_done(outbox)


@pytest.mark.parametrize("name", sorted(set(phones.TYPES.values()) - {"unknown"}))
def test_a_host_may_name_other_types(settings, outbox, name):
    settings.PHONE_REFERRALS_NUMBER_TYPES = [name]

    ask(number_of_type(name))
    with pytest.raises(PhoneNotAllowed):
        ask(number_of_type("voip" if name == "mobile" else "mobile"))
    assert len(outbox) == 1


@pytest.mark.parametrize("name", ["premium_rate", "shared_cost", "toll_free", "pager", "voicemail", "uan"])
def test_the_api_refuses_a_number_that_costs(api, outbox, name):
    answer = api.post("/api/users/get_verify_code/", {"phone_number": number_of_type(name)}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "phone_not_allowed")
    assert nothing_was_done(outbox)
