"""What pyproject.toml says of the package is what is tested and written elsewhere."""

import re
import tomllib

import phone_referrals
from tests.docs.pages import PAGES, ROOT

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
