"""The layout of the package, kept by reading its source: who may import whom, and how long a file may be."""

import ast
from functools import cache
from pathlib import Path

import pytest

import phone_referrals

ROOT = Path(phone_referrals.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def module_of(file):
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") or "__init__"


@cache
def imports_of(file):
    """Return the parts of the package that a file imports at any depth, functions included: `signin.models.State`."""
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


def importers_of(*names):
    """Return the modules that import one of the modules named, or something in it."""
    return {
        module_of(file)
        for file in FILES
        if any(f"{found}.".startswith(f"{name}.") for found in imports_of(file) for name in names)
    }


def test_there_is_something_to_read():
    assert {"signin.verification", "referrals.redeem", "sms", "tokens", "base_user"} <= set(map(module_of, FILES))
    assert "signin.models.State" in imports_of(ROOT / "signin/policy.py")
    assert {"profiles.sign_in", "models"} <= importers_of("referrals")


@pytest.mark.parametrize(("half", "other"), [("signin", "referrals"), ("referrals", "signin")])
def test_a_half_imports_neither_the_other_nor_the_join(half, other):
    found = importers_of(other, "profiles", "contrib", "urls", "pages.urls", "models", "openapi", "admin")
    assert not {module for module in found if module.split(".")[0] == half}


def test_the_mixin_for_user_models_imports_phones_alone():
    assert strangers("base_user", of=["phones"]) == set()


@pytest.mark.parametrize(
    ("part", "more"), [("sms", []), ("tokens", ["accounts", "checks", "natural_keys", "statements"])]
)
def test_the_way_out_knows_nothing_of_the_flow(part, more):
    assert strangers(part, of=["conf", "exceptions", "phones", *more]) == set()


@pytest.mark.parametrize(
    "shared", ["accounts", "api", "throttling", "keyset", "http", "routing", "halves", "statements"]
)
def test_what_the_halves_share_imports_neither(shared):
    found = importers_of("signin", "referrals", "profiles", "pages", "admin")
    assert not {module for module in found if module.split(".")[0] == shared}


def test_models_import_no_policy_above_them():
    of_models = {name for file in FILES if file.name == "models.py" for name in imports_of(file)}
    halves = {"signin.models", "referrals.models", "tokens.models"}
    assert {".".join(name.split(".")[:2]) for name in of_models if name.count(".") > 1} <= halves


def test_only_pages_import_pages():
    # A site without them, or with pages of its own, loads nothing of ours.
    of_a_half = {f"{half}.pages" for half in ("signin", "referrals", "profiles")}
    importing = {module for module in importers_of("pages", *of_a_half) if module.split(".")[0] != "pages"}
    assert {module.split(".")[-1] for module in importing} == {"pages", "page_urls"}


def test_the_pages_know_nothing_of_the_api():
    files = [file for file in FILES if file.name in {"pages.py", "page_urls.py"} or file.parent.name == "pages"]
    of_pages = {name for file in files for name in imports_of(file)}
    assert not {name for name in of_pages if {"api", "views", "serializers"} & {*name.split(".")}}


def test_only_tokens_know_kinds_of_tokens():
    kinds = [f"tokens.{kind}" for kind in ("drf", "jwt", "knox", "session")]
    # The app connects a receiver, which marks a session when it begins.
    assert {module for module in importers_of(*kinds) if module.split(".")[0] != "tokens"} == {"apps"}


def test_the_package_itself_imports_nothing():
    # A host's models import us before the apps are ready.
    assert not [
        node
        for node in ast.walk(ast.parse((ROOT / "__init__.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def test_no_source_file_is_longer_than_250_lines():
    lengths = {module_of(file): len(file.read_text().splitlines()) for file in FILES}
    assert {module: length for module, length in lengths.items() if length > 250} == {}
