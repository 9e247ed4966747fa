"""What pyproject.toml says of the package is what is tested and written elsewhere."""

import io
import re
import tarfile
import tomllib
from runpy import run_path

import phone_referrals
from tests.docs.pages import PAGES, ROOT

# Where the package is installed from a wheel, as in the matrix, this file is not on the path.
settled = run_path(str(ROOT / "src/build_backend.py"))["settled"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TOX = (ROOT / "tox.ini").read_text()


def versions_of(classifier):
    found = [re.fullmatch(rf"{classifier} :: (\d+\.\d+)", each) for each in PROJECT["classifiers"]]
    return {each[1] for each in found if each}


def test_the_classifiers_are_the_matrix():
    assert {each.replace(".", "") for each in versions_of("Framework :: Django")} == set(
        re.findall(r"django(\d\d): ", TOX)
    )
    pythons = {*re.findall(r"py(3\d\d)", TOX), *re.search(r"py\{([\d,]+)\}", TOX)[1].split(",")}
    assert {each.replace(".", "") for each in versions_of("Programming Language :: Python")} == pythons


def test_the_oldest_versions_that_it_takes_are_tested():
    least = dict(re.findall(r"^(?:    )?oldest: ([\w-]+)==([\d.]+)$", TOX, re.MULTILINE))
    for required in PROJECT["dependencies"]:
        name, version = required.split(">=")
        assert least[name].startswith(version), required


def test_every_extra_is_documented():
    documented = "".join(text for name, text in PAGES.items() if name.startswith("docs/"))
    assert [
        each for each in PROJECT["optional-dependencies"] if f"django-phone-referrals[{each}]" not in documented
    ] == []


def test_the_changelog_has_this_version():
    assert re.search(
        rf"^## {re.escape(phone_referrals.__version__)} - \d{{4}}-\d\d-\d\d$", PAGES["CHANGELOG.md"], re.MULTILINE
    )


def archive(order, mtime, mode):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in order:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uname = 1, mtime, mode, f"user{mtime}"
            tar.addfile(member, io.BytesIO(b"x"))
    return packed.getvalue()


def test_a_source_archive_does_not_tell_who_packed_it_when():
    one, other = archive("ab", 1000, 0o600), archive("ba", 2000, 0o664)
    assert one != other
    assert settled(one, 3000) == settled(other, 3000)
    with tarfile.open(fileobj=io.BytesIO(settled(one, 3000))) as tar:
        assert [(each.name, each.mtime, each.mode, each.uname) for each in tar] == [
            ("a", 3000, 0o644, "root"),
            ("b", 3000, 0o644, "root"),
        ]
