"""Each kind of host, in a process of its own: `AUTH_USER_MODEL` cannot change in one."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).parents[2]
HOSTS = ROOT / "tests/hosts"
KINDS = ["phone_first", "abstract_user", "own_field", "own_text", "profile", "uuid_key", "auth_user"]
OTHERS = ["email_user", "history", "own_jwt", "referrals_only", "second_factor", "signin_only", "soft_delete"]
# Their keys, columns or constraints are others than those of the tests' own user model.
OTHER_TABLES = {"own_text", "profile", "uuid_key", "email_user"}
FLOWS = {**dict.fromkeys(KINDS, "flow"), **{host: f"flow_{host}" for host in OTHERS}}


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Run the tests of a file with the settings of a host; return the output."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.adoption.starter"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as starter:

        def run(settings, tests):
            file = tmp_path_factory.mktemp("host") / "output"
            starter.stdin.write(json.dumps([settings, tests, str(file)]) + "\n")
            starter.stdin.flush()
            code = starter.stdout.readline()
            assert code == "0\n", file.read_text()
            return file.read_text()

        yield run
        starter.stdin.close()


def test_every_host_is_here():
    hosts = {each.name for each in HOSTS.iterdir() if (each / "settings.py").exists()}
    assert hosts == set(FLOWS)


@pytest.mark.parametrize(
    ("host", "flow"),
    [pytest.param(*each, marks=pytest.mark.database if each[0] in OTHER_TABLES else []) for each in FLOWS.items()],
)
def test_everything_works_on(run, host, flow):
    output = run(f"tests.hosts.{host}.settings", f"tests/adoption/{flow}.py")
    assert " passed" in output
    assert "skipped" not in output


@pytest.mark.parametrize("host", [*KINDS, "email_user", "own_jwt"])
def test_adoption_takes_few_lines(host):
    lines = [line for file in HOSTS.joinpath(host).glob("*.py") for line in file.read_text().splitlines()]
    adopting = [line for line in lines if line.endswith("  # +")]
    # One kind has no column for a phone, and its model is six lines more; one has to allow users without its username.
    assert 5 <= len(adopting) <= {"auth_user": 12, "email_user": 11}.get(host, 10), adopting
    # And none is hidden: without them nothing of ours is named.
    others = [line for line in lines if line not in adopting and not line.lstrip().startswith(("#", '"""'))]
    assert not [line for line in others if "phone_referrals" in line.lower()]


@cache
def sql_of_adoption():
    return subprocess.run(
        [sys.executable, "-m", "django", "sqlmigrate", "abstract_user", "0002", "--pythonpath", "."],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.hosts.abstract_user.settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@pytest.mark.database
def test_the_column_is_added_without_default_or_rewriting():
    statements = [line for line in sql_of_adoption().splitlines() if line.startswith(("ALTER", "UPDATE", "INSERT"))]
    if connection.vendor == "postgresql":
        add, *others = statements
        assert add == 'ALTER TABLE "abstract_user_user" ADD COLUMN "phone_number" varchar(128) NULL UNIQUE;'
        assert all("UPDATE" not in other and "ALTER COLUMN" not in other for other in others)
    assert "DEFAULT" not in sql_of_adoption()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite rewrites a table to add a unique column.")
@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_rows_stay_where_they_are():
    """A table that PostgreSQL rewrites gets another file."""
    sql = [line for line in sql_of_adoption().splitlines() if line.startswith(("ALTER", "CREATE"))]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE abstract_user_user (id bigint PRIMARY KEY, username varchar(150))")
        try:
            cursor.execute("INSERT INTO abstract_user_user SELECT n, 'user' || n FROM generate_series(1, 100000) AS n")
            file_of = "SELECT pg_relation_filenode('abstract_user_user')"
            cursor.execute(file_of)
            before = cursor.fetchone()
            for statement in sql:
                cursor.execute(statement)
            cursor.execute(file_of)
            assert cursor.fetchone() == before
            cursor.execute("SELECT count(*), count(phone_number) FROM abstract_user_user")
            assert cursor.fetchone() == (100000, 0)
        finally:
            cursor.execute("DROP TABLE abstract_user_user")
