"""The checks of regions, types, ceilings, test numbers and the queue."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from phone_referrals.checks import registry
from phone_referrals.signin.checks import messages
from tests.checks.reports import ids, reports

FICTIONAL = [f"+120155501{number:02}" for number in range(11)]


GOOD_ENTRY = {"code": "123456", "until": "2027-01-31"}


@pytest.mark.parametrize("missing", ["unset", None, (), [], ""])
def test_a_site_that_serves_no_region_is_told_by_check(in_production, missing):
    in_production.PHONE_REFERRALS_ALLOWED_REGIONS = missing
    if missing == "unset":
        del in_production.PHONE_REFERRALS_ALLOWED_REGIONS

    assert reports("phone_referrals.E015", "PHONE_REFERRALS_ALLOWED_REGIONS", "no phone is served")
    assert registry.check_deployment() == []


@pytest.mark.django_db
@pytest.mark.parametrize("options", [[], ["--deploy", "--fail-level", "ERROR"]])
def test_check_refuses_a_site_without_regions(in_production, options):
    del in_production.PHONE_REFERRALS_ALLOWED_REGIONS
    with pytest.raises(SystemCheckError, match="E015") as refusal:
        call_command("check", *options)
    assert str(refusal.value).count("phone_referrals.E015") == 1


def test_a_star_is_all_regions_on_purpose(in_production):
    in_production.PHONE_REFERRALS_ALLOWED_REGIONS = "*"
    assert registry.check_settings() == registry.check_deployment() == []


def test_codes_are_echoed_in_production(settings):
    settings.PHONE_REFERRALS_ECHO_CODE = True
    assert reports("phone_referrals.E021", "PHONE_REFERRALS_ECHO_CODE", check=registry.check_deployment)


def test_a_site_in_production_has_to_name_its_regions(settings):
    del settings.PHONE_REFERRALS_ALLOWED_REGIONS
    settings.DEBUG = True  # Where the setting may be left out.
    assert reports("phone_referrals.E015", check=registry.check_deployment)
    assert registry.check_settings() == []


def test_a_site_should_have_a_gateway(in_production):
    del in_production.PHONE_REFERRALS_SMS_BACKEND
    [message] = registry.check_deployment()
    assert message.id == "phone_referrals.W004"
    assert not message.is_serious()


def test_a_site_should_have_a_ceiling_of_its_own(in_production):
    del in_production.PHONE_REFERRALS_SMS_DAILY_LIMIT
    [message] = registry.check_deployment()
    assert message.id == "phone_referrals.W003"
    assert not message.is_serious()

    in_production.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"*": None}
    assert registry.check_deployment() == []


@pytest.mark.parametrize(
    ("regions", "named"), [(["UK"], "UK"), (["us"], "us"), (["US", "XX", "001"], "XX, 001"), ("US", "US"), ([7], "7")]
)
def test_regions_are_a_list_of_iso_codes(settings, regions, named):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert reports("phone_referrals.E001", named)


@pytest.mark.parametrize("regions", [["US"], ("RU", "KZ"), {"GB", "JE"}, "*"])
def test_known_regions_are_right(settings, regions):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert registry.check_settings() == []


@pytest.mark.parametrize("types", [["MOBILE"], ["mobile", "landline"], "mobile", ""])
def test_number_types_are_a_list_of_libphonenumbers_words(settings, types):
    settings.PHONE_REFERRALS_NUMBER_TYPES = types
    assert reports("phone_referrals.E001", "premium_rate", "mobile")


@pytest.mark.parametrize("types", [["mobile"], ("voip", "uan"), {"pager"}])
def test_known_number_types_are_right(settings, types):
    settings.PHONE_REFERRALS_NUMBER_TYPES = types
    assert registry.check_settings() == []


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SMS_DAILY_LIMIT", 1000, "1000"),
        ("SMS_DAILY_LIMIT", None, "None"),
        ("SMS_DAILY_LIMIT", "100", "'100'"),
        ("SMS_DAILY_LIMIT", ["US"], "['US']"),
        ("SMS_DAILY_LIMIT", [("US", 10)], "[('US', 10)]"),
        ("SMS_DAILY_LIMIT", {"US": -1}, "-1 for 'US'"),
        ("SMS_DAILY_LIMIT", {"total": 0.5}, "0.5 for 'total'"),
        ("SMS_DAILY_LIMIT", {"*": True}, "True for '*'"),
        ("SMS_DAILY_LIMIT", {"US": 1, "GB": "many"}, "'many' for 'GB'"),
        ("SMS_DAILY_LIMIT", {"US": {"sms": 10}}, "{'sms': 10} for 'US'"),
        ("SMS_DAILY_LIMIT", {"UK": 10}, "'UK'"),
        ("SMS_DAILY_LIMIT", {"us": 10}, "'us'"),
        ("SMS_DAILY_LIMIT", {"TOTAL": 10}, "'TOTAL'"),
        ("SMS_DAILY_LIMIT", {"": 10}, "''"),
        ("SMS_DAILY_LIMIT", {7: 10}, "7"),
        ("SMS_DAILY_LIMIT", {("US", "CA"): 10}, "('US', 'CA')"),
        ("MIN_CONVERSION", (0, 0.5), "MIN_CONVERSION"),
        ("MIN_CONVERSION", (10, 0), "MIN_CONVERSION"),
        ("MIN_CONVERSION", (10, 1.1), "MIN_CONVERSION"),
        ("MIN_CONVERSION", (10, 20), "MIN_CONVERSION"),
    ],
)
def test_a_ceiling_that_is_none(settings, name, value, named):
    setattr(settings, f"PHONE_REFERRALS_{name}", value)
    assert reports("phone_referrals.E001", f"PHONE_REFERRALS_{name}", named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMS_DAILY_LIMIT", {}),
        ("SMS_DAILY_LIMIT", {"*": None}),
        ("SMS_DAILY_LIMIT", {"total": 0}),
        ("SMS_DAILY_LIMIT", {"total": 5000, "*": 500, "CA": 2000, "RU": None}),
        ("MIN_CONVERSION", (1, 1)),
        ("MIN_CONVERSION", [100, 0.2]),
        ("MIN_CONVERSION", None),
    ],
)
def test_a_ceiling_that_is_one(settings, name, value):
    setattr(settings, f"PHONE_REFERRALS_{name}", value)
    assert registry.check_settings() == []


@pytest.mark.parametrize("until", ["2027-01-31", "2020-01-01"])
def test_ten_good_test_numbers_are_right(settings, until):
    settings.PHONE_REFERRALS_TEST_NUMBERS = dict.fromkeys(FICTIONAL[:10], GOOD_ENTRY | {"until": until})
    assert registry.check_settings() == []


def test_more_than_ten_test_numbers_are_too_many(settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = dict.fromkeys(FICTIONAL, GOOD_ENTRY)
    assert reports("phone_referrals.E001", "more than 10")


@pytest.mark.parametrize(
    "number",
    ["12015550100", "+1 201 555 0100", "+1 (201) 5550100", "+1201555", "", "review", "+12015550100 ", 12015550100],
)
def test_a_test_number_is_a_valid_one_in_e164(settings, number):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {number: GOOD_ENTRY}
    assert reports("phone_referrals.E001")


@pytest.mark.parametrize(
    "entry",
    [
        {"code": "123456"},
        {"until": "2027-01-31"},
        {"code": "12345", "until": "2027-01-31"},
        {"code": "1234567", "until": "2027-01-31"},
        {"code": 123456, "until": "2027-01-31"},
        {"code": None, "until": "2027-01-31"},
        {"code": "123456", "until": None},
        {"code": "123456", "until": ""},
        {"code": "123456", "until": "31.01.2027"},
        {"code": "123456", "until": "2027-02-30"},
        {"code": "123456", "until": "never"},
        {"code": "123456", "until": 20270131},
        {},
        None,
        "123456",
        ("123456", "2027-01-31"),
        {"code": "abcdef", "until": "2027-01-31"},
        {"code": "١٢٣٤٥٦", "until": "2027-01-31"},
    ],
)
def test_a_bad_entry_of_a_test_number(settings, entry):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {FICTIONAL[0]: entry}
    assert reports("phone_referrals.E001", "+1 *** *** **00")


def test_each_bad_entry_is_named_and_masked(settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {FICTIONAL[0]: {}, FICTIONAL[1]: GOOD_ENTRY, FICTIONAL[2]: {}}
    found = registry.check_settings()
    assert ids(found) == ["phone_referrals.E001"] * 2
    assert not [message for message in found if "5550" in message.msg]


@pytest.fixture
def tasks(settings):
    def tasks(path, **options):
        settings.TASKS = {"default": {"BACKEND": path, **options}}

    return tasks


def test_a_queue_whose_backend_runs_tasks_later_is_right(settings, queue):
    assert registry.check_settings() == []


def test_without_a_queue_no_backend_is_asked_for(settings, tasks):
    tasks("nowhere.Backend")
    assert registry.check_settings() == []


@pytest.mark.parametrize("name", ["immediate.ImmediateBackend", "nowhere.Backend"])
def test_a_backend_that_cannot_run_tasks_later_is_refused(settings, queue, tasks, name):
    tasks(f"{queue.package}.backends.{name}")
    assert [message.id for message in registry.check_settings()] == ["phone_referrals.E016"]


def test_a_queue_that_the_backend_does_not_have_is_refused(settings, queue):
    settings.PHONE_REFERRALS_SMS_QUEUE = "sms"
    [message] = registry.check_settings()
    assert message.id == "phone_referrals.E016"
    assert "'sms'" in message.msg


def test_a_site_without_django_tasks_is_told_what_to_install(settings, queue, monkeypatch):
    monkeypatch.setattr("phone_referrals.signin.delivery.TASK", "phone_referrals.nowhere.task")
    [message] = registry.check_settings()
    assert message.id == "phone_referrals.E016"
    assert "django-phone-referrals[tasks]" in message.hint


@pytest.fixture
def site_with_pages(settings):
    settings.ROOT_URLCONF = "tests.pages.urls"
    assert [*messages.check()] == []
    return settings


def test_pages_need_a_session_that_is_kept(site_with_pages):
    site_with_pages.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert ids(messages.check()) == ["phone_referrals.E017"]


def test_pages_need_the_middleware_of_sessions(site_with_pages):
    site_with_pages.MIDDLEWARE = [each for each in site_with_pages.MIDDLEWARE if "sessions" not in each]
    assert ids(messages.check()) == ["phone_referrals.E017"]


def test_a_site_without_pages_needs_neither(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert registry.check_settings() == []
