from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine

OLD, NEW = "+12015550100", "+12015550150"


@pytest.fixture
def clock():
    """A clock that stands until `clock.shift(seconds)`."""
    with time_machine.travel(datetime(2030, 1, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def post():
    """Post to the API as JSON; return status, body and machine code together."""

    def post(client, path, **data):
        response = client.post(f"/api/users/me/{path}", data, format="json")
        body = response.json() if response.content else {}
        return SimpleNamespace(status=response.status_code, body=body, code=body.get("code"), response=response)

    return post
