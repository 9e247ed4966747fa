"""`make demo [PORT=8000]`: the example site on a temporary PostgreSQL, served until it is stopped.

If PostgreSQL has no wheel for this Python, the demo runs on a temporary SQLite.
"""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from postgres import PYTHON, exit_on_signals, has_wheel, stop, temporary_postgres

HERE = Path(__file__).parent
ADMIN = "+12015550199"  # Reserved for fiction, and unused in the sample network.


def main(port: str = "8000") -> None:
    exit_on_signals()
    with listen(port) as listener, temporary_database() as database_url:
        address = listener.getsockname()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DEBUG": "0",
            "HTTPS": "0",
            "PHONE_REFERRALS_ALLOWED_REGIONS": "*",
            "PHONE_REFERRALS_ECHO_CODE": "1",
        }
        password = secrets.token_hex(8)
        print("Existing users:", flush=True)
        for command in (
            ["migrate", "--verbosity=0"],
            ["sample_network"],
            ["createsuperuser", "--noinput", "--verbosity=0", f"--phone_number={ADMIN}"],
        ):
            subprocess.run(
                [sys.executable, HERE / "manage.py", *command],
                env={**environment, "DJANGO_SUPERUSER_PASSWORD": password},
                check=True,
            )
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "demo_gunicorn.py"],
            cwd=HERE,
            env={**environment, "LISTENER": str(listener.fileno())},
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # This process handles Ctrl-C, so that the site stops before its database.
        )
        try:
            wait_until_it_answers(address, gunicorn)
            site = "http://{}:{}/".format(*address)
            print(f"Admin: {site}admin/ as {ADMIN} with {password}\nReady: {site}", flush=True)
            while goes_on(gunicorn):
                time.sleep(0.5)
        finally:
            stop(gunicorn)


@contextmanager
def temporary_database() -> Iterator[str]:
    """Yield the URL of a database that is deleted afterwards."""
    if has_wheel():
        with temporary_postgres() as url:
            yield url
        return
    print(f"There is no PostgreSQL on the package index for {PYTHON} on this machine: the demo runs on SQLite.")
    with tempfile.TemporaryDirectory(prefix="demo-") as directory:
        yield f"sqlite:///{directory}/demo.sqlite3?timeout=20&transaction_mode=IMMEDIATE"


def listen(port: str) -> socket.socket:
    """Bind the port first, and pass the socket to gunicorn, so that no other process can take the port in between."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(f"Port {port} cannot be used: {error}. Choose another with: make demo PORT=...")
    return listener


def goes_on(gunicorn: "subprocess.Popen[bytes]") -> bool:
    """Return whether the demo goes on; exits when the site has died."""
    if gunicorn.poll() is not None:
        sys.exit("The site has stopped; the reason is above.")
    # A make that was killed cannot tell us; then we have another parent. A make that was interrupted alone waits for us
    # with that signal blocked.
    return os.getppid() == MAKE and blocked_signals(MAKE) == BLOCKED_AT_START


def blocked_signals(process_id: int) -> str:
    """Return the signals that another process blocks; empty except on Linux."""
    with suppress(OSError):
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("SigBlk:"):
                return line
    return ""


def wait_until_it_answers(address: tuple[str, int], gunicorn: "subprocess.Popen[bytes]") -> None:
    while goes_on(gunicorn):
        with suppress(ConnectionError):
            site = http.client.HTTPConnection(*address, timeout=60)
            site.request("GET", "/api/schema/")
            status = site.getresponse().status
            site.close()
            if status != http.HTTPStatus.OK:
                sys.exit(f"The site answers with {status}.")
            return
        time.sleep(0.1)


MAKE = os.getppid()
BLOCKED_AT_START = blocked_signals(MAKE)

if __name__ == "__main__":
    main(*sys.argv[1:])
