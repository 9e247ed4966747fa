"""The layout of the package, kept by reading its source: who may import whom, and how long a file may be."""

import ast
from pathlib import Path

import pytest

import phone_referrals

ROOT = Path(phone_referrals.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def module_of(file):
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") or "__init__"


def imports_of(file):
    """Return the parts of the package that a file imports at any depth, functions included: `signin.state.State`."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import, which this test does not read."
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("phone_referrals.") for name in names if name.startswith("phone_referrals.")}


def strangers(part, *, of):
    """Return the imports by `part`, a module or a package, of other parts than those named."""
    return {
        f"{module_of(file)} imports {name}"
        for file in FILES
        if module_of(file).split(".")[0] == part
        for name in imports_of(file)
        if name.split(".")[0] not in {part, *of}
    }


def test_there_is_something_to_read():
    assert {"signin.verification", "referrals.redeem", "sms", "tokens", "base_user"} <= set(map(module_of, FILES))
    assert "signin.state.State" in imports_of(ROOT / "models.py")


@pytest.mark.parametrize(("part", "other"), [("signin", "referrals"), ("referrals", "signin")])
def test_the_two_contexts_know_neither_each_other_nor_what_joins_them(part, other):
    of_part = {name for file in FILES if module_of(file).split(".")[0] == part for name in imports_of(file)}
    assert not {name for name in of_part if name.split(".")[0] in {other, "profiles", "pages"}}


def test_the_mixin_for_user_models_imports_phones_alone():
    assert strangers("base_user", of=["phones"]) == set()


@pytest.mark.parametrize(("part", "more"), [("sms", []), ("tokens", ["accounts", "checks"])])
def test_the_way_out_knows_nothing_of_the_flow(part, more):
    assert strangers(part, of=["conf", "exceptions", "phones", "models", *more]) == set()


def test_nobody_imports_the_pages():
    # A site without them, or with pages of its own, loads nothing of ours.
    importing = {module_of(file) for file in FILES if "pages" in {name.split(".")[0] for name in imports_of(file)}}
    assert {module.split(".")[0] for module in importing} == {"pages"}


def test_the_pages_know_nothing_of_the_api():
    of_pages = {name for file in FILES if module_of(file).split(".")[0] == "pages" for name in imports_of(file)}
    assert not {name for name in of_pages if name.split(".")[0] == "api" or "views" in name or "serializers" in name}


def test_the_package_itself_imports_nothing():
    # A host's models import us before the apps are ready.
    assert not [
        node
        for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def test_no_source_file_is_longer_than_300_lines():
    lengths = {module_of(file): len(file.read_text().splitlines()) for file in FILES}
    assert {module: length for module, length in lengths.items() if length > 300} == {}
