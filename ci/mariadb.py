"""A temporary MariaDB for the tests. Needs Debian's mariadb-server and ci/requirements-mariadb.txt.

    python -m ci.mariadb -- COMMAND ARGS...

runs COMMAND with DATABASE_URL set, and returns its exit code.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from example_project.postgres import exit_on_signals, stop

# The data lives no longer than the command, so durability would only cost time. Nobody else reaches the socket.
OPTIONS = [
    "--no-defaults",
    "--skip-networking",
    "--skip-grant-tables",
    "--max-connections=500",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
]
START_SECONDS = 60


def run(command: list[str]) -> int:
    for program in ("mariadb-install-db", "mariadbd"):
        if not shutil.which(program):
            sys.exit(f"MariaDB is missing ({program}). Debian: apt-get install mariadb-server")
    user = "mysql" if os.getuid() == 0 else None  # As root, the server refuses to run.
    with tempfile.TemporaryDirectory(prefix="mariadb-") as name:
        directory = Path(name)
        if user:
            shutil.chown(directory, user)
        data, socket, log = directory / "data", directory / "socket", directory / "log"
        here = [f"--datadir={data}", f"--socket={socket}", f"--tmpdir={directory}"]
        install = ["mariadb-install-db", "--no-defaults", "--skip-test-db", f"--datadir={data}"]
        subprocess.run(install, user=user, cwd=directory, stdout=subprocess.DEVNULL, check=True)
        with log.open("w") as output:
            server = subprocess.Popen(
                ["mariadbd", *OPTIONS, *here], user=user, cwd=directory, stdout=output, stderr=output
            )
        try:
            give_up = time.monotonic() + START_SECONDS
            while not socket.exists():
                if server.poll() is not None or time.monotonic() > give_up:
                    sys.exit(f"MariaDB did not start:\n{log.read_text()}")
                time.sleep(0.1)
            url = f"mysql://root@localhost/mysql?unix_socket={socket}"
            process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
            try:
                return process.wait()
            finally:
                stop(process)
        finally:
            stop(server)


if __name__ == "__main__":
    if sys.argv[1:2] != ["--"] or not sys.argv[2:]:
        sys.exit(__doc__)
    exit_on_signals()
    sys.exit(run(sys.argv[2:]))
