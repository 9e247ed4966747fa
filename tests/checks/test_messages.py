"""The checks of regions, types, ceilings and test numbers."""

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from phone_referrals import checks
from phone_referrals.checks import ids as check_ids
from phone_referrals.referrals.invites import InviteMiddleware
from tests.checks.reports import reports

FICTIONAL = [f"+120155501{number:02}" for number in range(11)]
GOOD_ENTRY = {"code": "123456", "until": "2027-01-31"}


def ids(messages):
    return [message.id for message in messages]


def test_nothing_is_wrong_with_the_limits_of_the_test_site():
    assert checks.check_settings() == []


@pytest.fixture
def in_production(settings):
    """A site ready for production, for tests to take one thing from."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://"}}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["US", "CA"]
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 1000}
    settings.PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "phone_referrals.referrals.invites.InviteMiddleware"]
    return settings


def test_a_site_ready_for_production_is_told_nothing(in_production):
    assert checks.check_deployment() == []


@pytest.mark.parametrize("missing", ["unset", None, (), [], ""])
def test_a_site_that_serves_no_region_is_told_by_check(in_production, missing):
    in_production.PHONE_REFERRALS_ALLOWED_REGIONS = missing
    if missing == "unset":
        del in_production.PHONE_REFERRALS_ALLOWED_REGIONS

    assert reports(check_ids.REGIONS_MISSING, "PHONE_REFERRALS_ALLOWED_REGIONS", "no phone is served")
    assert checks.check_deployment() == []


@pytest.mark.django_db
@pytest.mark.parametrize("options", [[], ["--deploy", "--fail-level", "ERROR"]])
def test_check_refuses_a_site_without_regions(in_production, options):
    del in_production.PHONE_REFERRALS_ALLOWED_REGIONS
    with pytest.raises(SystemCheckError, match=check_ids.REGIONS_MISSING) as refusal:
        call_command("check", *options)
    assert str(refusal.value).count(check_ids.REGIONS_MISSING) == 1


def test_a_star_is_all_regions_on_purpose(in_production):
    in_production.PHONE_REFERRALS_ALLOWED_REGIONS = "*"
    assert checks.check_settings() == checks.check_deployment() == []


class OwnCache(LocMemCache):
    """A site's own."""


PER_PROCESS = ["django.core.cache.backends.locmem.LocMemCache", f"{__name__}.OwnCache"]
SHARED = ["django.core.cache.backends.db.DatabaseCache", "django.core.cache.backends.filebased.FileBasedCache"]


def test_a_cache_that_keeps_nothing_counts_no_limit(in_production):
    in_production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert ids(checks.check_deployment()) == [check_ids.CACHE_PER_PROCESS]


@pytest.mark.parametrize("backend", [*PER_PROCESS, *SHARED])
@pytest.mark.parametrize("options", [{}, {"MAX_ENTRIES": 99_999}, {"MAX_ENTRIES": 100_000}])
def test_a_cache_that_drops_entries_forgets_calls(in_production, backend, options):
    in_production.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x", "OPTIONS": options}}
    per_process = [check_ids.CACHE_PER_PROCESS] if backend in PER_PROCESS else []
    small = [] if options == {"MAX_ENTRIES": 100_000} else [check_ids.CACHE_TOO_SMALL]
    assert ids(checks.check_deployment()) == per_process + small


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_any_number_of_proxies_is_an_answer(in_production, proxies):
    in_production.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert checks.check_deployment() == []


def test_the_number_of_proxies_should_be_said(in_production):
    in_production.REST_FRAMEWORK = {}
    assert ids(checks.check_deployment()) == [check_ids.PROXIES_UNKNOWN]


def test_a_site_should_have_a_gateway(in_production):
    del in_production.PHONE_REFERRALS_SMS_BACKEND
    [message] = checks.check_deployment()
    assert message.id == check_ids.SMS_PRINTED
    assert not message.is_serious()


class OwnInviteMiddleware(InviteMiddleware):
    """A site's own."""


OTHERS = ["django.middleware.common.CommonMiddleware", "nowhere.Middleware", f"{__name__}.ids"]


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ({"MIDDLEWARE": []}, False),
        ({"MIDDLEWARE": OTHERS}, False),
        ({"MIDDLEWARE": [*OTHERS, "phone_referrals.referrals.invites.InviteMiddleware"]}, True),
        ({"MIDDLEWARE": [*OTHERS, f"{__name__}.OwnInviteMiddleware"]}, True),
        ({"MIDDLEWARE": OTHERS, "PHONE_REFERRALS_REFERRAL_LINK": "/join/{code}/"}, True),
        ({"MIDDLEWARE": OTHERS, "ROOT_URLCONF": "tests.pages.urls"}, True),
    ],
)
def test_an_invite_link_should_lead_to_something_that_reads_it(in_production, values, is_kept):
    for name, value in values.items():
        setattr(in_production, name, value)
    messages = checks.check_deployment()
    assert ids(messages) == ([] if is_kept else [check_ids.INVITATIONS_LOST])
    assert not any(message.is_serious() for message in messages)


def test_a_site_should_have_a_ceiling_of_its_own(in_production):
    del in_production.PHONE_REFERRALS_SMS_DAILY_LIMIT
    [message] = checks.check_deployment()
    assert message.id == check_ids.SMS_LIMIT_UNSET
    assert not message.is_serious()

    in_production.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"*": None}
    assert checks.check_deployment() == []


@pytest.mark.parametrize(
    ("hosts", "host", "is_open"),
    [
        (["*"], "", True),
        (["example.com", ".example.com"], "", True),
        ([".example.com"], "example.com", False),
        (["example.com", "www.example.com"], "", False),
        ([], "", False),
    ],
)
def test_a_wildcard_host_needs_a_name_for_the_site(in_production, hosts, host, is_open):
    in_production.ALLOWED_HOSTS, in_production.PHONE_REFERRALS_SITE_HOST = hosts, host
    assert ids(checks.check_deployment()) == ([check_ids.SITE_HOST_OPEN] if is_open else [])


@pytest.mark.parametrize(
    "host",
    [
        "https://example.com",
        "example.com/",
        "example.com:443",
        "пример.рф",
        "a&b.example",
        "a b.example",
        ".example.com",
        "example..com",
        "-a.example",
        "example.com\n",
        "a" * 64,
        "example.com." * 6,
        None,
        7,
    ],
)
def test_a_site_host_is_a_name_alone(settings, host):
    settings.PHONE_REFERRALS_SITE_HOST = host
    assert reports(check_ids.SITE_HOST_WRONG, "PHONE_REFERRALS_SITE_HOST", repr(host))


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost", "127.0.0.1", "xn--e1afmkfd.xn--p1ai", "A-1.Example", "a" * 63]
)
def test_a_name_alone_is_a_site_host(settings, host):
    settings.PHONE_REFERRALS_SITE_HOST = host
    assert checks.check_settings() == []


@pytest.mark.parametrize(
    ("regions", "named"), [(["UK"], "UK"), (["us"], "us"), (["US", "XX", "001"], "XX, 001"), ("US", "US"), ([7], "7")]
)
def test_regions_are_a_list_of_iso_codes(settings, regions, named):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert reports(check_ids.REGIONS_UNKNOWN, named)


@pytest.mark.parametrize("regions", [["US"], ("RU", "KZ"), {"GB", "JE"}, "*"])
def test_known_regions_are_right(settings, regions):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = regions
    assert checks.check_settings() == []


@pytest.mark.parametrize("types", [["MOBILE"], ["mobile", "landline"], "mobile", ""])
def test_number_types_are_a_list_of_libphonenumbers_words(settings, types):
    settings.PHONE_REFERRALS_NUMBER_TYPES = types
    assert reports(check_ids.NUMBER_TYPE_UNKNOWN, "premium_rate", "mobile")


@pytest.mark.parametrize("types", [["mobile"], ("voip", "uan"), {"pager"}])
def test_known_number_types_are_right(settings, types):
    settings.PHONE_REFERRALS_NUMBER_TYPES = types
    assert checks.check_settings() == []


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
    assert reports(check_ids.SMS_LIMIT_WRONG, f"PHONE_REFERRALS_{name}", named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMS_DAILY_LIMIT", {}),
        ("SMS_DAILY_LIMIT", {"*": None}),
        ("SMS_DAILY_LIMIT", {"total": 0}),
        ("SMS_DAILY_LIMIT", {"total": 5000, "*": 500, "CA": 2000, "RU": None}),
        ("MIN_CONVERSION", (1, 1)),
        ("MIN_CONVERSION", [100, 0.2]),
    ],
)
def test_a_ceiling_that_is_one(settings, name, value):
    setattr(settings, f"PHONE_REFERRALS_{name}", value)
    assert checks.check_settings() == []


@pytest.mark.parametrize("slots", [0, -1, 1001, "many"])
def test_slots_are_a_number_within_bounds(settings, slots):
    settings.PHONE_REFERRALS_SMS_USAGE_SLOTS = slots
    assert reports(check_ids.LIMIT_OUT_OF_RANGE, "PHONE_REFERRALS_SMS_USAGE_SLOTS")


def test_a_guard_that_cannot_be_imported(settings):
    settings.PHONE_REFERRALS_SEND_GUARDS = ["nowhere.captcha"]
    assert reports(check_ids.PATH_NOT_IMPORTABLE, "PHONE_REFERRALS_SEND_GUARDS", "'nowhere.captcha'")


@pytest.mark.parametrize("until", ["2027-01-31", "2020-01-01"])
def test_ten_good_test_numbers_are_right(settings, until):
    settings.PHONE_REFERRALS_TEST_NUMBERS = dict.fromkeys(FICTIONAL[:10], GOOD_ENTRY | {"until": until})
    assert checks.check_settings() == []


def test_more_than_ten_test_numbers_are_too_many(settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = dict.fromkeys(FICTIONAL, GOOD_ENTRY)
    assert reports(check_ids.TEST_NUMBER_WRONG, "more than 10")


@pytest.mark.parametrize(
    "number",
    ["12015550100", "+1 201 555 0100", "+1 (201) 5550100", "+1201555", "", "review", "+12015550100 ", 12015550100],
)
def test_a_test_number_is_a_valid_one_in_e164(settings, number):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {number: GOOD_ENTRY}
    assert reports(check_ids.TEST_NUMBER_WRONG)


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
    assert reports(check_ids.TEST_NUMBER_WRONG, "+1 *** *** **00")


def test_each_bad_entry_is_named_and_masked(settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {FICTIONAL[0]: {}, FICTIONAL[1]: GOOD_ENTRY, FICTIONAL[2]: {}}
    messages = checks.check_settings()
    assert ids(messages) == [check_ids.TEST_NUMBER_WRONG] * 2
    assert not [message for message in messages if "5550" in message.msg]
