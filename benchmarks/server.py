"""What a contender runs on: PostgreSQL, gunicorn, and an environment of its own; and what they cost."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg

HERE = Path(__file__).resolve().parent
WORKERS = 2


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server."""

    url: str

    @property
    def host(self) -> str:
        return parse_qs(urlsplit(self.url).query)["host"][0]

    @property
    def user(self) -> str:
        return str(urlsplit(self.url).username)

    def connect(self, name: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(host=self.host, user=self.user, dbname=name, autocommit=True)

    def environment(self, name: str) -> dict[str, str]:
        return {"BENCH_HOST": self.host, "BENCH_USER": self.user, "BENCH_DATABASE": name}

    def set_durable(self, is_durable: bool) -> None:
        """Have commits wait until they are on disk, as PostgreSQL comes, or not, as the repository starts it."""
        with self.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = {'on' if is_durable else 'off'}")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)  # Until all have heard of it.

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Yield a list that has the statements of the block when that has ended."""
        statements: list[str] = []
        with self.connect() as connection, Path(self.host, "log").open() as log:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)  # Until all backends have heard of it.
            log.seek(0, os.SEEK_END)
            yield statements
            lines = log.read().splitlines()
            connection.execute("ALTER SYSTEM RESET log_statement")
            connection.execute("SELECT pg_reload_conf()")
        # Two that are sent at once are one line.
        statements += [
            part for line in lines if re.search(r"LOG:  (statement|execute)", line) for part in line.split("; ")
        ]

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(int(Path(self.host, "postmaster.pid").read_text().split()[0]))


def python_of(requirements: tuple[str, ...]) -> str:
    """Return the interpreter of an environment that has `requirements`; ours, where there are none."""
    if not requirements:
        return sys.executable
    venv = HERE.parent / ".venv" / "benchmarks" / re.sub(r"\W", "-", requirements[0])
    python = str(venv / "bin" / "python")
    if not (venv / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "gunicorn", "psycopg[binary]", *requirements], check=True)
        (venv / "made").touch()
    return python


def versions_of(requirements: tuple[str, ...]) -> str:
    """Return what a contender is measured in."""
    packages = [re.sub(r"\[.*", "", requirement) for requirement in (*requirements, "Django")]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    command = [python_of(requirements), "-c", code, *packages]
    versions = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return " on ".join(f"{package} {version}" for package, version in zip(packages, versions, strict=True))


@dataclass(kw_only=True)
class Server:
    """A site of `contenders/` under gunicorn, on a database of its own."""

    name: str
    site: str
    database: Database
    schema: str = ""
    requirements: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.database.environment(self.name),
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent / "example_project")]),
            "DJANGO_SETTINGS_MODULE": f"contenders.{self.schema or self.site}.settings",
            **self.environment,
        }

    def migrate(self) -> None:
        with self.database.connect() as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        python = python_of(self.requirements)
        subprocess.run([python, "-m", "django", "migrate", "--run-syncdb", "--verbosity=0"], env=self.env, check=True)

    def start(self) -> None:
        is_django = (HERE / "contenders" / self.site / "settings.py").exists()
        wsgi = "contenders.wsgi" if is_django else f"contenders.{self.site}"
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            command = [
                *(python_of(self.requirements), "-m", "gunicorn", f"{wsgi}:application"),
                *(f"--workers={WORKERS}", "--worker-class=sync", f"--bind=fd://{listener.fileno()}"),
                *("--log-level=warning", "--no-control-socket"),
            ]
            self.gunicorn = subprocess.Popen(command, env=self.env, pass_fds=[listener.fileno()])

    def wait(self) -> None:
        while len(self.workers) < WORKERS:
            if self.gunicorn.poll() is not None:
                sys.exit(f"{self.name} did not start.")
            time.sleep(0.1)

    def stop(self) -> None:
        self.gunicorn.terminate()
        self.gunicorn.wait()

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.gunicorn.pid)

    @property
    def workers(self) -> list[psutil.Process]:
        return self.process.children()


def cpu_of(root: psutil.Process) -> float:
    """Return the seconds of CPU that a process and those below it have used."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def memory_of(server: Server) -> tuple[float, float]:
    """Return the USS and RSS of a worker in MB, the mean of all."""
    infos = [worker.memory_full_info() for worker in server.workers]
    return tuple(sum(getattr(info, kind) for info in infos) / len(infos) / 2**20 for kind in ("uss", "rss"))
