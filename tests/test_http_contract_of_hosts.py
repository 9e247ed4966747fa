"""The contract's refusals once more, on a site whose `EXCEPTION_HANDLER` is that of drf-standardized-errors."""

import pytest

from tests import test_http_contract as contract

pytestmark = pytest.mark.django_db

# Its fixtures, and those of its tests that look at a refusal.
globals().update(
    (name, each)
    for name, each in vars(contract).items()
    if hasattr(each, "_fixture_function")
    or (name.startswith("test_") and "refusal" in getattr(each, "__code__", each).co_names)
)


@pytest.fixture(autouse=True)
def handler_of_the_host(settings, monkeypatch):
    handler = "drf_standardized_errors.handler.exception_handler"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": handler}
    # It reports a 503 as an exception, which the client of a test would raise again.
    monkeypatch.setattr("django.test.Client.store_exc_info", lambda self, **kwargs: None)
