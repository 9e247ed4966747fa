from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def clock():
    """A clock that stands until `clock.shift(seconds)`."""
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock
