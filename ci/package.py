"""Build the package from a clean clone, and look at what a stranger would get: `make package`.

What is committed is built twice, on machines that differ in what should not matter, and has to come out the same. The
archives are left in dist/.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

from ci import readme

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
NAME = "phone_referrals"


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True, **options)
    if result.returncode:
        raise SystemExit(f"$ {' '.join(map(str, words))}\n{result.stdout}{result.stderr}")
    return result.stdout


def build(directory, *, umask, zone):
    """Build in a clone of its own; return the archives by their names."""
    clone = directory / "clone"
    directory.mkdir()
    previous = os.umask(umask)
    try:
        run("git", "clone", "--quiet", f"file://{ROOT}", clone)
        readme.rewrite(clone)
        time = run("git", "-C", ROOT, "log", "-1", "--format=%ct").strip()
        environment = {**os.environ, "SOURCE_DATE_EPOCH": time, "TZ": zone, "PYTHONHASHSEED": str(umask)}
        run(sys.executable, "-m", "build", "--outdir", directory / "dist", clone, env=environment)
    finally:
        os.umask(previous)
    return {each.name: each for each in sorted((directory / "dist").iterdir())}


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def build_twice(directory):
    here = build(directory / "here", umask=0o022, zone="UTC")
    there = build(directory / "there", umask=0o077, zone="Asia/Kamchatka")
    for name, file in here.items():
        same = digest(file) == digest(there[name])
        say(f"{digest(file)}  {name}  {'twice the same' if same else 'DIFFERENT'}")
        assert same, "Built twice, it differs."
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.copytree(directory / "here/dist", DIST)
    return next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))


def look_into(wheel):
    """Every committed file of the package is in the wheel, and nothing else but what describes it."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = message_from_bytes(archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))))
    committed = {line.removeprefix("src/") for line in run("git", "-C", ROOT, "ls-files", f"src/{NAME}").splitlines()}
    assert packed == committed, packed ^ committed
    for part in ("locale/ru/LC_MESSAGES/django.mo", "py.typed", "static/", "templates/", "migrations/"):
        assert any(name.startswith(f"{NAME}/{part}") for name in packed), part
    assert {name.partition("/")[0] for name in packed} == {NAME}
    if readme.address():
        assert readme.LINK.search(metadata.get_payload()) is None, "A link of the README leads nowhere on the index."
    for field in ("Summary", "Keywords", "License-Expression", "License-File", "Requires-Python", "Classifier"):
        assert metadata[field], field
    extras = metadata.get_all("Provides-Extra")
    say(f"{len(packed)} files, all that are committed and no other; extras: {', '.join(extras)}")
    installed = sum(each.file_size for each in archive.infolist())
    say(f"{wheel.stat().st_size // 1024} KB to download, {installed // 1024} KB installed")


def look_into_source(sdist):
    """It has what the wheel is made of and what people read, and neither tests nor example."""
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops >= {"src", "docs", "README.md", "README.ru.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}, tops
    assert not tops & {"tests", "ci", "example_project", "benchmarks"}, tops


def install(archive, directory):
    """Install it where nothing is, as a stranger does; return the files that are there."""
    venv.create(directory, with_pip=True)
    python = directory / "bin/python"
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        archive,
        env=environment,
        cwd=directory,
    )
    run(python, "-m", "pip", "check", env=environment, cwd=directory)
    where = run(python, "-c", f"import {NAME}; print({NAME}.__path__[0])", env=environment, cwd=directory).strip()
    return {str(file.relative_to(where)) for file in Path(where).rglob("*") if "__pycache__" not in file.parts}


def say(line):
    sys.stdout.write(f"{line}\n")


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        wheel, sdist = build_twice(directory)
        look_into(wheel)
        look_into_source(sdist)
        say(run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist).strip())
        say(run(sys.executable, "-m", "check_wheel_contents", wheel, cwd=ROOT).strip())
        assert install(sdist, directory / "from-sdist") == install(wheel, directory / "from-wheel")
        say("Installed from the source archive it is what the wheel installs.")


if __name__ == "__main__":
    main()
