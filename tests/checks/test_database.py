from contextlib import contextmanager

import pytest
from django.core.checks import run_checks
from django.db import connection

from phone_referrals import checks
from phone_referrals.checks import ids as check_ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(monkeypatch):
    """Let the database be a MySQL or MariaDB whose variables are these."""

    @contextmanager
    def server(**variables):
        rows = " UNION ".join(f"SELECT '{name}', '{value}'" for name, value in variables.items())

        def answer(execute, sql, parameters, *arguments):
            assert sql.startswith("SHOW GLOBAL VARIABLES")
            return execute(rows or "SELECT 1 WHERE 1 = 0", None, *arguments)

        monkeypatch.setattr(connection, "vendor", "mysql")
        with connection.execute_wrapper(answer):
            yield

    return server


@pytest.mark.parametrize("variables", [{"wsrep_on": "ON"}, {"group_replication_single_primary_mode": "OFF"}])
def test_a_cluster_of_several_writers_is_told_of_circles(server, variables):
    with server(**variables):
        (message,) = run_checks(databases=["default"], tags=["database"])
    assert message.id == check_ids.SEVERAL_WRITERS
    assert not message.is_serious()
    assert "Write to one node only." in message.hint


@pytest.mark.parametrize("variables", [{"wsrep_on": "OFF"}, {"group_replication_single_primary_mode": "ON"}, {}])
def test_a_single_writing_server_is_told_nothing(server, variables):
    with server(**variables):
        assert checks.check_database(databases=["default"]) == []


def test_the_database_of_the_tests_is_told_nothing():
    assert checks.check_database(databases=["default"]) == []


@pytest.mark.parametrize("databases", [None, [], ["replica"]])
def test_no_database_is_asked_but_that_of_the_referrals_and_by_name(server, databases):
    with server(wsrep_on="ON"):
        assert checks.check_database(databases=databases) == []
