"""Fixtures of pytest: `pytest_plugins = ["phone_referrals.testing.fixtures"]`."""

from collections.abc import Callable
from typing import Any

import pytest

from phone_referrals import testing


@pytest.fixture
def last_code(db: None) -> Callable[..., str]:
    """Return the code that a phone was sent last: `last_code("+12015550123")`."""
    return testing.last_code


@pytest.fixture
def sign_in(db: None) -> Callable[..., dict[str, Any]]:
    """Sign a phone in through the API: `sign_in(client, "+12015550123")`."""
    return testing.sign_in
