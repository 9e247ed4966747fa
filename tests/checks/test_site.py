from contextlib import contextmanager
from types import ModuleType

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import run_checks
from django.db import connection
from django.urls import include, path

from phone_referrals.checks import registry, site
from tests.checks.reports import ids, only, reports


def test_a_site_ready_for_production_is_told_nothing(in_production):
    assert registry.check_deployment() == []


class OwnCache(LocMemCache):
    """A site's own."""


PER_PROCESS = ["django.core.cache.backends.locmem.LocMemCache", f"{__name__}.OwnCache"]


SHARED = ["django.core.cache.backends.db.DatabaseCache", "django.core.cache.backends.filebased.FileBasedCache"]


def test_a_cache_that_keeps_nothing_counts_no_limit(in_production):
    in_production.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert ids(registry.check_deployment()) == ["phone_referrals.W001"]


@pytest.mark.parametrize("backend", [*PER_PROCESS, *SHARED])
@pytest.mark.parametrize("options", [{}, {"MAX_ENTRIES": 99_999}, {"MAX_ENTRIES": 100_000}])
def test_a_cache_that_drops_entries_forgets_calls(in_production, backend, options):
    in_production.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x", "OPTIONS": options}}
    per_process = ["phone_referrals.W001"] if backend in PER_PROCESS else []
    small = [] if options == {"MAX_ENTRIES": 100_000} else ["phone_referrals.W005"]
    assert ids(registry.check_deployment()) == per_process + small


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_any_number_of_proxies_is_an_answer(in_production, proxies):
    in_production.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert registry.check_deployment() == []


def test_the_number_of_proxies_should_be_said(in_production):
    in_production.REST_FRAMEWORK = {}
    assert ids(registry.check_deployment()) == ["phone_referrals.W002"]


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
    assert ids(registry.check_deployment()) == (["phone_referrals.W007"] if is_open else [])


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
    assert reports("phone_referrals.E001", "PHONE_REFERRALS_SITE_HOST", repr(host))


@pytest.mark.parametrize(
    "host", ["", "example.com", "localhost", "127.0.0.1", "xn--e1afmkfd.xn--p1ai", "A-1.Example", "a" * 63]
)
def test_a_name_alone_is_a_site_host(settings, host):
    settings.PHONE_REFERRALS_SITE_HOST = host
    assert registry.check_settings() == []


def test_a_site_without_rest_framework_among_its_apps_is_told(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework"]
    assert only().id == "phone_referrals.E003"


def test_the_apps_of_a_site_may_be_a_tuple(settings):
    settings.INSTALLED_APPS = tuple(settings.INSTALLED_APPS)
    assert registry.check_settings() == []


@pytest.mark.parametrize("templates", [[], [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]])
def test_a_site_that_finds_no_templates_of_apps_is_told(settings, templates):
    settings.TEMPLATES = templates
    assert only().id == "phone_referrals.E004"


@pytest.fixture
def site_with_pages(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.staticfiles"]
    settings.STATIC_URL = "static/"
    settings.ROOT_URLCONF = "tests.pages.urls"
    assert registry.check_settings() == []
    return settings


def test_pages_should_have_their_static_files(site_with_pages):
    site_with_pages.INSTALLED_APPS = [app for app in site_with_pages.INSTALLED_APPS if "staticfiles" not in app]
    message = only()
    assert (message.id, message.is_serious()) == ("phone_referrals.W011", False)


@pytest.fixture
def server(monkeypatch):
    """Let the database be a MySQL or MariaDB whose variables are these."""

    @contextmanager
    def server(**variables):
        rows = " UNION ".join(f"SELECT '{name}', '{value}'" for name, value in variables.items())

        def answer(execute, sql, parameters, *arguments):
            assert sql.startswith("SHOW GLOBAL VARIABLES")
            return execute(rows or "SELECT 1 WHERE 1 = 0", None, *arguments)

        monkeypatch.setattr(connection, "vendor", "mysql")
        with connection.execute_wrapper(answer):
            yield

    return server


@pytest.mark.django_db
@pytest.mark.parametrize("variables", [{"wsrep_on": "ON"}, {"group_replication_single_primary_mode": "OFF"}])
def test_a_cluster_of_several_writers_is_told(server, variables):
    with server(**variables):
        (message,) = run_checks(databases=["default"], tags=["database"])
    assert message.id == "phone_referrals.W013"
    assert not message.is_serious()
    assert "Write to one node only." in message.hint


@pytest.mark.django_db
@pytest.mark.parametrize("variables", [{"wsrep_on": "OFF"}, {"group_replication_single_primary_mode": "ON"}, {}])
def test_a_single_writing_server_is_told_nothing(server, variables):
    with server(**variables):
        assert site.check_database(databases=["default"]) == []


@pytest.mark.django_db
def test_the_database_of_the_tests_is_told_nothing():
    assert site.check_database(databases=["default"]) == []


@pytest.mark.parametrize("databases", [None, [], ["replica"]])
def test_only_the_database_of_the_referrals_is_asked(server, databases):
    with server(wsrep_on="ON"):
        assert site.check_database(databases=databases) == []


@pytest.mark.parametrize("kind", ["urls", "page_urls"])
def test_halves_that_are_included_one_by_one_are_told(settings, kind):
    both = {"urls": "phone_referrals.urls", "page_urls": "phone_referrals.pages.urls"}[kind]
    each = [path(f"{half}/", include(f"phone_referrals.{half}.{kind}")) for half in ("signin", "referrals")]
    settings.ROOT_URLCONF = ModuleType("urls")
    for patterns, expected in ((each, ["phone_referrals.E023"]), ([path("", include(both))], []), (each[:1], [])):
        settings.ROOT_URLCONF = ModuleType("urls")
        settings.ROOT_URLCONF.urlpatterns = patterns
        assert [found for found in ids(site.check()) if found.endswith("E023")] == expected
