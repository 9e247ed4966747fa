"""Fixtures that all tests may ask for. Phone numbers are of the range kept for fiction: +1 201 555 0100 to 0199."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pkgutil import walk_packages

import django
import pytest
from coverage import Coverage
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client, TransactionTestCase
from django.urls import reverse
from django.utils import timezone, translation
from rest_framework.test import APIClient
from xdist.scheduler import LoadScopeScheduling

import phone_referrals
from phone_referrals.accounts import get_accounts
from phone_referrals.models import Referral
from phone_referrals.signin.verification import request_code
from phone_referrals.sms import locmem

# Hostile input: `make test` sends it to PostgreSQL alone, which refuses more of it than SQLite.
HOSTILE = ("tests/pages/test_bad_input.py", "tests/test_bad_input.py", "tests/test_hostile_strings.py")
# Races, attacks, long histories and hostile input.
SLOW = (*HOSTILE, "tests/attacks/", "tests/races/", "tests/signin/test_state_machine.py")
# These depend on the database: on its statements, locks, constraints, plans, order and types. `make test` runs them on
# PostgreSQL, too. All others ask the same of any database: what is answered, shown, logged and refused.
DATABASE = (
    *HOSTILE,
    "tests/management/",
    "tests/profiles/test_queries.py",
    "tests/profiles/test_sign_in.py",
    "tests/races/",
    "tests/referrals/test_admin.py",
    "tests/referrals/test_codes.py",
    "tests/referrals/test_edges.py",
    "tests/referrals/test_invitees.py",
    "tests/referrals/test_network.py",
    "tests/referrals/test_once.py",
    "tests/referrals/test_receivers.py",
    "tests/referrals/test_redeem.py",
    "tests/referrals/test_tree.py",
    "tests/signin/test_backend.py",
    "tests/signin/test_change_phone.py",
    "tests/signin/test_delete_account.py",
    "tests/signin/test_sign_in.py",
    "tests/signin/test_state_machine.py",
    "tests/signin/test_tasks.py",
    "tests/signin/test_usage.py",
    "tests/signin/test_verification.py",
    "tests/test_accounts.py",
    "tests/test_admin_lists.py",
    "tests/test_base_user.py",
    "tests/test_keyset.py",
    "tests/test_migrations.py",
    "tests/test_models.py",
    "tests/test_natural_keys.py",
    "tests/test_plans.py",
    "tests/test_routers.py",
    "tests/test_statement_counts.py",
    "tests/test_statements.py",
    "tests/tokens/test_session.py",
    "tests/tokens/test_sessions.py",
)
# Measured, a test takes twice as long. These ask all addresses at once; what they run, the tests of each file run too.
UNMEASURED = (
    "tests/adoption/",
    "tests/docs/",
    "tests/pages/test_permissions.py",
    "tests/pages/test_statement_counts.py",
    "tests/test_admin_permissions.py",
    "tests/test_admin_sites.py",
    "tests/test_http_contract",
    "tests/test_key_zero.py",
    "tests/test_permissions.py",
    "tests/test_same_path.py",
    "tests/test_statement_counts.py",
    "tests/tokens/test_contract.py",
    "tests/tokens/test_time_zones.py",
)
# These run the lines that only PostgreSQL reaches.
MEASURED_ON_POSTGRESQL = ("tests/referrals/", "tests/test_")
DATABASE_FIXTURES = {"db", "transactional_db"}


# One worker takes the whole file: what all its tests need is made once.
WHOLE_FILES = ("tests/test_example_project.py", "tests/test_plans.py")


class Scheduling(LoadScopeScheduling):
    """Any worker takes any test, but of some files all."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return file if file in WHOLE_FILES else nodeid


def pytest_configure(config):
    """Refuse lists that name a file which has moved: its tests would no longer run on PostgreSQL, in silence."""
    gone = [name for name in (*DATABASE, *WHOLE_FILES) if not (config.rootpath / name).exists()]
    if gone:
        raise pytest.UsageError(f"tests/conftest.py lists what is not there: {', '.join(gone)}")


def pytest_xdist_make_scheduler(config, log):
    # Not `xdist_group`: pytest-xdist 3.8 writes the group where pytest 9.2 does not read it.
    return Scheduling(config, log)


def depends_on_database(item):
    uses = item.get_closest_marker("django_db") or DATABASE_FIXTURES.intersection(item.fixturenames)
    return uses and item.nodeid.startswith(DATABASE) and not is_in_another_zone(item)


def is_in_another_zone(item):
    return hasattr(item, "callspec") and bool(item.callspec.params.get("zone_of_the_site"))


def is_measured(item):
    if connections["default"].vendor == "postgresql" and not item.nodeid.startswith(MEASURED_ON_POSTGRESQL):
        return False
    if item.get_closest_marker("slow") or item.get_closest_marker("unmeasured"):
        return False
    return not is_in_another_zone(item) and not item.nodeid.startswith(UNMEASURED)


def pytest_ignore_collect(collection_path, config):
    """Leave unread what has no test of the database, where those alone are asked for: to read all takes ten seconds."""
    if config.option.markexpr != "database" or not collection_path.match("test_*.py"):
        return None
    is_listed = collection_path.relative_to(config.rootpath).as_posix().startswith(DATABASE)
    return None if is_listed or "mark.database" in collection_path.read_text() else True


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        is_hostile = item.nodeid.startswith(HOSTILE)
        if is_hostile:
            item.add_marker(pytest.mark.hostile)
        if is_hostile or depends_on_database(item):
            item.add_marker(pytest.mark.database)
    # What is kept in a cache is made in the first test that needs it, which has to be one of those that are measured.
    items.sort(key=is_measured, reverse=True)


def pytest_collection_finish():
    """Import every file where its import is measured, and not in the first test that needs it."""
    if Coverage.current() is not None:
        for module in walk_packages(phone_referrals.__path__, "phone_referrals."):
            import_module(module.name)


KEPT = {"auth_permission", "django_content_type"}
truncate = TransactionTestCase._fixture_teardown


def delete_rows(test):
    """Delete what a test has committed. Django truncates every table and writes its permissions again: it is slow."""
    if connection.vendor == "mysql":
        return truncate(test)  # It checks foreign keys at once: the order matters.
    tables = sorted({*connection.introspection.django_table_names(only_existing=True)} - KEPT)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
    return None


TransactionTestCase._fixture_teardown = delete_rows

stopped = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Measure the coverage of some tests alone: stop measuring, and start again, where that changes."""
    if is_measured(item):
        while stopped:
            stopped.pop().start()
    else:
        # There is more than one: a worker of pytest-xdist has that of its own start below that of pytest-cov.
        while (measuring := Coverage.current()) is not None:
            measuring.stop()
            stopped.append(measuring)
    return (yield)


@pytest.fixture(autouse=True)
def outbox():
    """The messages sent in this test. It begins with none, an empty cache and the language of the settings."""
    locmem.outbox.clear()
    cache.clear()
    translation.deactivate()
    return locmem.outbox


@pytest.fixture(params=[None, "America/New_York", "Asia/Kolkata"])
def zone_of_the_site(request, settings):
    """The site as it is, in UTC; and on two clocks without time zones, behind UTC and half an hour beside it."""
    if request.param:
        settings.USE_TZ, settings.TIME_ZONE = False, request.param


@pytest.fixture
def undone(db, outbox):
    """Take back what is written inside, messages and cache included: `with undone():` for each cell of a row."""

    @contextmanager
    def undone():
        cache.clear()
        messages = [*outbox]
        # Not atomic(), in which no code is sent. Django 6.1 has another name for it.
        point = getattr(transaction, "savepoint_create", transaction.savepoint)()
        try:
            yield
        finally:
            transaction.set_rollback(False)
            transaction.savepoint_rollback(point)
            outbox[:] = messages

    return undone


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


@pytest.fixture
def admin_url():
    """The address of a page of the admin: `admin_url(Referral, "changelist")`."""
    return lambda model, page, *args: reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args
    )


@pytest.fixture
def superuser(db):
    return get_user_model().objects.create_superuser("+12015550199")


@pytest.fixture
def staff(superuser):
    """The client of a superuser."""
    client = Client()
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def phone():
    return "+12015550100"


@pytest.fixture
def other_phone():
    return "+12015550101"


@pytest.fixture
def make_user():
    """Create a user of a fictional number: `make_user(7)` is +12015550107."""
    return lambda number=0: get_accounts().create(f"+12015550{100 + number}")


@pytest.fixture
def open_list(settings):
    """Let everybody who is signed in read everybody."""
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAuthenticated"


@pytest.fixture
def refer(db):
    """Write referrals as they stand: `refer(referrer, *referred)`."""

    def refer(referrer, *referred):
        Referral.objects.bulk_create(Referral(referrer=referrer, referred=user, code="A") for user in referred)

    return refer


@pytest.fixture
def last_code(outbox):
    """Read the code in the latest message to a phone, as its owner does."""

    def last_code(phone: str) -> str:
        text = next(message.text for message in reversed(outbox) if message.phone_number == phone)
        return re.search(r"#(\d+)$", text)[1]

    return last_code


@pytest.fixture
def send_code(last_code):
    """Ask for a code and read it."""

    def send_code(phone: str) -> str:
        request_code(phone_number=phone, host="example.com")
        return last_code(phone)

    return send_code


class Queue:
    """A queue of Django Tasks, and its worker: `run()` runs what is due, and what that adds."""

    package = "django.tasks" if django.VERSION >= (6,) else "django_tasks"
    backend = f"{package}.backends.dummy.DummyBackend"

    @property
    def waiting(self):
        return import_module(self.package).default_task_backend.results

    def run(self):
        while due := [each for each in self.waiting if (each.task.run_after or timezone.now()) <= timezone.now()]:
            self.waiting.remove(due[0])
            due[0].task.call(*due[0].args, **due[0].kwargs)


@pytest.fixture
def queue(settings):
    """Codes go into a queue; the test is the worker."""
    queue = Queue()
    settings.TASKS = {"default": {"BACKEND": queue.backend}}
    settings.PHONE_REFERRALS_SMS_QUEUE = True
    return queue


@pytest.fixture
def api():
    """A client of nobody."""
    return APIClient()


@pytest.fixture
def sign_in(last_code):
    """Sign a phone in over HTTP; the client that comes back carries its token or cookie."""

    def sign_in(phone: str, **data: str) -> APIClient:
        client = APIClient()
        client.post("/api/users/get_verify_code/", {"phone_number": phone}, format="json")
        data = {"phone_number": phone, "code": last_code(phone), **data}
        client.answer = client.post("/api/users/auth/", data, format="json").json()
        if client.answer["token"]:
            client.credentials(HTTP_AUTHORIZATION=f"{client.answer['token_type']} {client.answer['token']}")
        return client

    return sign_in


@pytest.fixture
def limit(settings):
    """Switch throttles on: by their defaults, or `limit(auth="2/hour")`; say how many proxies there are."""

    def limit(*, proxies=None, **rates):
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "NUM_PROXIES": proxies,
            "DEFAULT_THROTTLE_RATES": {f"phone_referrals_{scope}": rate for scope, rate in rates.items()},
        }

    return limit


@pytest.fixture
def at_once():
    """Run calls in threads that start at the same moment; return their results, exceptions included."""

    def at_once(*calls: Callable[[], object]) -> list[object]:
        start = threading.Barrier(len(calls))

        def run(call):
            try:
                start.wait(timeout=60)
                return call()
            except Exception as error:  # noqa: BLE001 - for the test to look at
                return error
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    return at_once
