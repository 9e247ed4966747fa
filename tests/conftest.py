"""Fixtures that all tests may ask for. Phone numbers are of the range kept for fiction: +1 201 555 0100 to 0199."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import django
import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone, translation
from rest_framework.test import APIClient

from phone_referrals.accounts import get_accounts
from phone_referrals.models import Referral
from phone_referrals.signin.verification import request_code
from phone_referrals.sms import locmem

SLOW = ("tests/attacks/", "tests/fuzz/", "tests/races/", "test_state_machine.py", "test_bad_input.py")
DATABASE_FIXTURES = {"db", "transactional_db"}


def pytest_collection_modifyitems(items):
    for item in items:
        if any(part in item.nodeid for part in SLOW):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES.intersection(item.fixturenames):
            item.add_marker(pytest.mark.database)


@pytest.fixture(autouse=True)
def outbox():
    """The messages sent in this test. It begins with none, an empty cache and the language of the settings."""
    locmem.outbox.clear()
    cache.clear()
    translation.deactivate()
    return locmem.outbox


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
