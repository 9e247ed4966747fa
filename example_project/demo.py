"""`make demo [PORT=8000]`: the example site on a temporary PostgreSQL, served until it is stopped."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from postgres import exit_on_signals, stop, temporary_postgres

HERE = Path(__file__).parent
MAKE = os.getppid()


def main(port: int) -> None:
    exit_on_signals()
    with listen(port) as listener, temporary_postgres() as database_url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DEBUG": "0",
            "HTTPS": "0",
            "PHONE_REFERRALS_ECHO_CODE": "1",
        }
        for command in (["migrate", "--verbosity=0"], ["sample_network"]):
            subprocess.run([sys.executable, HERE / "manage.py", *command], env=environment, check=True)
        gunicorn = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "config.wsgi",
                "--config=demo_gunicorn.py",
                f"--bind=fd://{listener.fileno()}",
            ],
            cwd=HERE,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # Ctrl-C is for us: the site goes before its database, and in order.
        )
        try:
            wait_until_it_answers(port, gunicorn)
            print(f"Ready: http://127.0.0.1:{port}/", flush=True)
            while running(gunicorn):
                time.sleep(0.5)
        finally:
            stop(gunicorn)


def listen(port: int) -> socket.socket:
    """Take the port first, and for good: gunicorn is handed this socket, so nobody can take it in between."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        sys.exit(f"Port {port} cannot be used: {error}. Choose another: make demo PORT={port + 1}")
    return listener


def running(gunicorn: "subprocess.Popen[bytes]") -> bool:
    """Tell whether to go on; fails when the site has died. A make that was killed cannot say so: its child moves."""
    if gunicorn.poll() is not None:
        sys.exit("The site has stopped; the reason is above.")
    return os.getppid() == MAKE


def wait_until_it_answers(port: int, gunicorn: "subprocess.Popen[bytes]") -> None:
    while running(gunicorn):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/api/schema/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
