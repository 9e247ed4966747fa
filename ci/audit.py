"""Look for known vulnerabilities in what the package and the example site install.

    make audit

Fails if there is one. On a machine from which no list of vulnerabilities can be reached it cannot fail, and says so.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
SERVICES = ["pypi", "osv"]
# An index without vulnerabilities, such as a mirror, is told from one that has them by a package that has some.
VULNERABLE = "jinja2==2.10"
NOT_AUDITED = "NOT AUDITED: no list of known vulnerabilities can be reached from here"


def installed():
    """Return the versions that whoever installs both today is given, also of what those need."""
    compile_ = [TOOLS / "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--all-extras"]
    what = [
        "--python",
        sys.executable,
        "pyproject.toml",
        "example_project/requirements.txt",
        "example_project/requirements-postgres.txt",
    ]
    return subprocess.run([*compile_, *what], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def audit(service, requirements):
    """Return what is vulnerable, or `None` where pip-audit could not look at each of them, and why not."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        options = ["--no-deps", "--disable-pip", "--strict", "--progress-spinner", "off", "--format", "json"]
        command = [TOOLS / "pip-audit", "--vulnerability-service", service, "--requirement", file.name, *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return None, done.stderr
    return [each for each in dependencies if each["vulns"]], done.stderr


def main():
    for service in SERVICES:
        known, _ = audit(service, VULNERABLE)
        if not known:
            continue
        requirements = installed()
        found, errors = audit(service, requirements)
        if found is None:
            sys.stdout.write(errors)
            return 1
        for each in found:
            sys.stdout.write(f"{each['name']} {each['version']}: {', '.join(vuln['id'] for vuln in each['vulns'])}\n")
        sys.stdout.write(f"{len(requirements.splitlines())} packages audited by {service}, {len(found)} vulnerable\n")
        return int(bool(found))
    sys.stdout.write(f"{NOT_AUDITED} ({', '.join(SERVICES)}).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
