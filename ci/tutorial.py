"""Do what the tutorial says, from an empty directory, and fail unless it answers as it shows.

    python -m ci.tutorial dist/*.whl

Files are written, commands are run in order, and the site is asked with curl. The wheel stands for the name of the
package, a free port for 8000. Codes, tokens and times differ from run to run: what is shown stands for
what is received.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ci.readme_walk import compare_answers

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs/tutorial.md"
NAME, ADDRESS = "django-phone-referrals", "127.0.0.1:8000"


class Reader:
    """Somebody who does as told, in a directory and an environment of their own."""

    def __init__(self, directory, wheel):
        self.directory, self.log = directory, directory / "terminal"
        self.port = free_port()
        self.stands_for = {
            f"install {NAME}": f"install --quiet {wheel}",
            ADDRESS: f"127.0.0.1:{self.port}",
            "curl ": "curl --silent --show-error ",
        }
        self.env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        self.env |= {"PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.variables, self.received, self.server, self.calls = "", {}, None, 0

    def put(self, block):
        """Write a file, or add to one."""
        first, _, rest = block.partition("\n")
        name, _, how = first.removeprefix("# ").partition(", ")
        with (self.directory / name).open("a" if how == "at the end" else "w") as file:
            file.write(f"\n{rest}" if how else rest)

    def enter(self, block):
        """Run the commands of a block, and compare what they print with what is shown below them."""
        lines = block.splitlines()
        for number, line in enumerate(lines):
            if line.startswith("$ "):
                shown = lines[number + 1] if number + 1 < len(lines) and lines[number + 1].startswith("{") else ""
                self.run(line.removeprefix("$ "), shown)

    def run(self, command, shown):
        if re.fullmatch(r"\w+=\S+", command):
            self.variables += f"{command}; "
        for word, real in {**self.stands_for, **self.received}.items():
            command = command.replace(word, real)
        sys.stdout.write(f"$ {command}\n")
        if "runserver" in command:
            self.serve(command)
            return
        folder = re.search(r"mkdir (\w+) && cd \w+", command)
        variables = self.variables
        for word, real in self.stands_for.items():
            variables = variables.replace(word, real)
        output = subprocess.run(
            ["/bin/bash", "-ec", f"{variables}{command}"],
            cwd=self.directory,
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        if folder:
            self.directory /= folder[1]
            self.env["PATH"] = f"{self.directory / '.venv/bin'}{os.pathsep}{self.env['PATH']}"
        if shown:
            sys.stdout.write(f"{output}\n")
            self.calls += 1
            # The address is shown, too, in links.
            compare_answers(shown.replace(ADDRESS, self.stands_for[ADDRESS]), output, self.received)

    def serve(self, command):
        with self.log.open("w") as log:
            self.server = subprocess.Popen(
                ["/bin/bash", "-ec", f"exec {command} --noreload {self.port}"],
                cwd=self.directory,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for _ in range(150):
            with suppress(URLError):
                urlopen(f"http://127.0.0.1:{self.port}/sign-in/").close()
                return
            time.sleep(0.2)
        raise SystemExit(self.log.read_text())

    def read_message(self, block):
        """Find in the server's terminal what is shown of it, and read the code there."""
        shape = re.escape(block.strip().replace(ADDRESS.partition(":")[0], "HOST")).replace("HOST", r"[\d.]+")
        shape = re.sub(r"(?<=code:\\ )\d+", r"(\\d+)", shape)
        shape = re.sub(r"\\#\d+$", r"\\#\\d+", shape)
        found = re.findall(shape, self.log.read_text())
        assert found, f"Not as shown:\n{block}\n{self.log.read_text()}"
        self.received[re.search(r"#(\d+)", block)[1]] = found[-1]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main(wheel):
    steps = re.findall(r"^```(python|console|text)\n(.*?)^```$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    with tempfile.TemporaryDirectory() as directory:
        reader = Reader(Path(directory), Path(wheel).resolve())
        do = {"python": reader.put, "console": reader.enter, "text": reader.read_message}
        try:
            for kind, block in steps:
                do[kind](block)
            reader.run("python manage.py check", "")
        finally:
            if reader.server:
                reader.server.terminate()
                reader.server.wait()
    assert reader.calls >= 8, "The tutorial's calls were not found."
    sys.stdout.write(f"The tutorial: {len(steps)} blocks, {reader.calls} calls, every answer as shown.\n")


if __name__ == "__main__":
    main(sys.argv[1])
