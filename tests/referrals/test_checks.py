from enum import IntEnum

import pytest
from django.db import connection

from phone_referrals.checks import registry
from phone_referrals.referrals.invites import InviteMiddleware
from tests.checks.reports import ids, reports


class Level(IntEnum):
    """As psycopg's."""

    READ_COMMITTED = 2
    SERIALIZABLE = 4


@pytest.mark.parametrize(
    ("level", "right"),
    [(None, True), ("read committed", True), (Level.READ_COMMITTED, True), (Level.SERIALIZABLE, False)],
)
def test_an_isolation_level_that_the_locks_cannot_work_with(monkeypatch, level, right):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", level)
    assert (registry.check_settings() == []) is right
    assert right or reports("phone_referrals.E020", "default", "SERIALIZABLE")


def test_the_isolation_level_of_a_mysql_server_is_another_one(monkeypatch):
    monkeypatch.setattr(connection, "vendor", "mysql")
    assert registry.check_settings() == []
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", None)
    assert reports("phone_referrals.E020", "default", "REPEATABLE READ")


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
    messages = registry.check_deployment()
    assert ids(messages) == ([] if is_kept else ["phone_referrals.W006"])
    assert not any(message.is_serious() for message in messages)


def test_a_link_without_the_code_is_refused(settings):
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://example.com/join/"
    (message,) = registry.check_settings()
    assert message.id == "phone_referrals.E001"
    assert "'https://example.com/join/'" in message.msg
    settings.PHONE_REFERRALS_REFERRAL_LINK = "https://example.com/join/{code}/"
    assert registry.check_settings() == []
