"""A statement that the database chose to end a deadlock. Below the rule: the naive twin, which breaks it."""

import threading
import time
from datetime import date
from functools import partial

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction
from django.db.models import F

from phone_referrals import statements
from phone_referrals.models import SmsUsage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="It has one writer at a time, from the first write on."),
]

# Of other connections that wait for a lock. PostgreSQL has this database's alone.
WAITING = {
    "postgresql": "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))",
    "mysql": "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}


@pytest.fixture
def be_the_victim(at_once):
    """Run a statement that locks two rows, whose second is locked by a transaction that wants the first."""

    def scenario(run):
        if connection.vendor == "postgresql":
            # An UPDATE locks rows in the order of the table, which fills the gaps of rows that were deleted.
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {SmsUsage._meta.db_table}")
        first, *others = SmsUsage.objects.bulk_create([SmsUsage(day=date(2026, 1, n), slot=0) for n in range(1, 10)])
        is_locked = threading.Event()

        def holder():
            with transaction.atomic(), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("SET LOCAL deadlock_timeout = '60s'")  # It is not this one that gives way.
                # MariaDB ends the transaction that has written less.
                SmsUsage.objects.filter(pk__in=[each.pk for each in others]).update(sent=1)
                is_locked.set()
                give_up = time.monotonic() + 30
                cursor.execute(WAITING[connection.vendor])
                while not cursor.rowcount:
                    assert time.monotonic() < give_up, "Nobody waits."
                    time.sleep(0.1)
                    cursor.execute(WAITING[connection.vendor])
                SmsUsage.objects.filter(pk=first.pk).update(sent=1)

        def victim():
            assert is_locked.wait(timeout=30)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # It looks once, after so long: when the holder has seen that it waits, and made the circle.
                    cursor.execute("SET deadlock_timeout = '2s'")
            return run(partial(SmsUsage.objects.update, failed=F("failed") + 1))

        held, result = at_once(holder, victim)
        assert held is None
        assert set(SmsUsage.objects.values_list("sent", flat=True)) == {1}
        return result

    return scenario


on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="MariaDB chooses its victim itself, and at times there is no circle."
)


def test_a_statement_that_ended_a_deadlock_is_run_again(be_the_victim):
    assert be_the_victim(partial(statements.retried, using=DEFAULT_DB_ALIAS)) == 9
    assert set(SmsUsage.objects.values_list("failed", flat=True)) == {1}


@on_postgresql
def test_a_deadlocked_statement_is_lost_without_a_retry(be_the_victim):
    assert isinstance(be_the_victim(lambda statement: statement()), OperationalError)
    assert set(SmsUsage.objects.values_list("failed", flat=True)) == {0}


@on_postgresql
def test_a_deadlocked_transaction_is_left_to_its_caller(be_the_victim):
    def within(statement):
        with transaction.atomic():
            return statements.retried(statement, using=DEFAULT_DB_ALIAS)

    assert isinstance(be_the_victim(within), OperationalError)


@pytest.mark.skipif(connection.vendor != "mysql", reason="PostgreSQL waits as long as it takes.")
def test_a_statement_that_waited_too_long_is_run_again(at_once):
    row = SmsUsage.objects.create(day=date(2026, 1, 1))
    is_locked = threading.Event()

    def holder():
        with transaction.atomic():
            SmsUsage.objects.update(sent=1)
            is_locked.set()
            time.sleep(2)

    def victim():
        with connection.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
        assert is_locked.wait(timeout=30)
        return statements.update(SmsUsage, using=DEFAULT_DB_ALIAS, where={"id": row.pk}, values={"failed": 1})

    assert at_once(holder, victim) == [None, True]
