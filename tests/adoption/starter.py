"""Run pytest for one host after another, each in a process that is forked from this one.

Each host needs a process of its own, and most of the time of such a process goes into imports. This one has imported
what no settings change. It reads a line of JSON for each run (settings, file of tests, file for the output) and
answers each with a line: the exit code.
"""

import json
import os
import sys

# What they import is what counts: nothing here may read the settings.
import django.contrib.admin.options
import django.core.management
import django.test
import django.views.debug  # noqa: F401
import phonenumbers  # noqa: F401
import pytest

OPTIONS = ["--create-db", "-q", "-n0", "--no-cov", "-W", "ignore::ResourceWarning"]
# Of no use to these tests, and slow to import.
PLUGINS = ["randomly", "cacheprovider", "hypothesispytest", "anyio"]


def run(settings: str, tests: str, output: str) -> int:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
        code = pytest.main([tests, "--ds", settings, *OPTIONS, *(f"-pno:{name}" for name in PLUGINS)])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{run(*json.loads(line))}\n")
        sys.stdout.flush()
