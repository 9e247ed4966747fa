"""Checks that ask the database itself: `manage.py check --database default`, and `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004
from django.db import connections, router

from phone_referrals.checks.ids import SEVERAL_WRITERS
from phone_referrals.models import Referral

# Variables of the server, as they are where each of several nodes takes writes: Galera's, and group replication's.
MULTI_PRIMARY = {"wsrep_on": "ON", "group_replication_single_primary_mode": "OFF"}


def check_database(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong with the server that has the referrals."""
    alias = router.db_for_write(Referral)
    if alias not in (databases or ()) or connections[alias].vendor != "mysql":
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s, %s)", [*MULTI_PRIMARY])
        found = dict(cursor.fetchall())
    if not found.items() & MULTI_PRIMARY.items():
        return []
    return [
        Warning(
            f"The database {alias!r} is a node of a cluster whose nodes all take writes.",
            hint="Locks of one node do not hold on another: referrals could form circles, and limits be passed. Write "
            "to one node only. Where all processes do, silence this check.",
            id=SEVERAL_WRITERS,
        )
    ]
