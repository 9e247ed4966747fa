"""Fixtures of the races."""

import pytest

from phone_referrals.referrals import edges


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait a minute for a lock: on a machine that stalls, a second would end races that are about something else."""
    monkeypatch.setattr(edges, "MAX_WAIT", "60s")
