"""What the pages name is there: settings, dotted paths, commands, calls, templates, extras, targets and links."""

import json
import re
import tomllib
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.template.loader import get_template
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string
from reference import checks, refusals, setting_names

from tests.docs.blocks import blocks, without_blocks
from tests.docs.pages import PAGES, ROOT, anchors

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# DRF's own, which are in answers of the API too.
DRF_CODES = {"not_authenticated", "throttled"}


def on_every_page(test):
    """Ask all pages in one test; its message names each page that fails, and why."""

    def on_all():
        failures = {}
        for name, page in PAGES.items():
            try:
                test(page)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - shown with those of the other pages
                failures[name] = repr(error)
        assert failures == {}

    on_all.__name__ = test.__name__
    return on_all


def named(pattern, text):
    return set(re.findall(pattern, text))


def test_there_is_something_to_read():
    assert {"README.md", "docs/tutorial.md", "docs/reference/settings.md"} <= PAGES.keys()
    assert "PHONE_REFERRALS_CODE_DIGITS" in PAGES["docs/reference/settings.md"]


@on_every_page
def test_settings(page):
    names = {f"PHONE_REFERRALS_{name}" for name in setting_names()}
    assert named(r"PHONE_REFERRALS_[A-Z][A-Z_]*[A-Z]", page) <= names


def is_importable(path):
    module, rest = path, []
    while module:
        try:
            found = import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
    try:
        for name in rest:
            found = getattr(found, name)
    except AttributeError:
        return False
    return True


def is_model_or_permission(path):
    name = path.partition(".")[2]
    return any(
        name == f"{verb}{model._meta.model_name}"
        for model in apps.get_app_config("phone_referrals").get_models()
        for verb in ("", "add_", "change_", "delete_", "view_")
    )


@on_every_page
def test_dotted_paths(page):
    paths = named(r"\bphone_referrals(?:\.\w+)+", page) - {each for each, *_ in checks()}
    files = {path for path in paths if path.endswith((".svg", ".css", ".po"))}
    assert [path for path in paths - files if not is_importable(path) and not is_model_or_permission(path)] == []


@on_every_page
def test_commands(page):
    of_the_queue = {"db_worker", "prune_db_task_results"}  # Of django-tasks-db, which not every site has.
    assert named(r"manage\.py ([a-z_]+)", page) <= {*get_commands(), *of_the_queue}


@on_every_page
def test_calls(page):
    calls = named(r"`(?:GET |POST )?((?:users|referrals)/[\w/<>{}]*)`", without_blocks(page))
    calls |= named(r"\$API/([\w/]+)", page)
    for call in calls:
        try:
            resolve("/api/" + re.sub(r"[<{]\w+[>}]", "1", call))
        except Resolver404:
            pytest.fail(f"There is no call {call}.")


@on_every_page
def test_files_of_the_source(page):
    files = named(r"`((?:\w+/)+\w+\.\w+)`", without_blocks(page))
    roots = [ROOT, ROOT / "src/phone_referrals", ROOT / "src/phone_referrals/templates"]
    # A site's own file has the name of the page's own example.
    examples = {"accounts", "config", "locale"}
    missing = [file for file in files if not any((root / file).exists() for root in roots)]
    assert [file for file in missing if file.partition("/")[0] not in examples] == []


@on_every_page
def test_templates(page):
    for name in named(r"`(phone_referrals/[\w/]+\.(?:html|txt))`", page):
        get_template(name)


@on_every_page
def test_extras(page):
    extras = set(PYPROJECT["project"]["optional-dependencies"])
    assert named(r"django-phone-referrals\[(\w+)\]", page) <= extras
    assert named(r"extra `(\w+)`", page) <= extras


@on_every_page
def test_targets_of_make(page):
    assert named(r"`make ([a-z-]+)", page) | named(r"\$ make ([a-z-]+)", page) <= TARGETS


@on_every_page
def test_codes_in_the_answers_that_are_shown(page):
    shown = named(r'"code": ?"([a-z_]+)"', page)
    assert shown <= {each.code for each in refusals()} | DRF_CODES | {"closed"}


@on_every_page
def test_python_blocks_are_python_and_json_answers_are_json(page):
    for block in blocks(page, "python"):
        compile(block, "a block", "exec")
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("{"):
                json.loads(line)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    here = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", without_blocks(PAGES[name])) + re.findall(r'src="([^"]+)"', PAGES[name])
    for link in links:
        file, _, anchor = link.partition("#")
        if re.match(r"https?:|mailto:", link):
            continue
        target = (here.parent / file).resolve() if file else here
        assert target.exists(), f"{name}: {link}"
        # Out of the documentation there are no pages to link to; README and its kind are read where the files are.
        assert not name.startswith("docs/") or target.is_relative_to(ROOT / "docs"), f"{name}: {link}"
        if anchor:
            assert anchor in anchors(PAGES[str(target.relative_to(ROOT))]), f"{name}: {link}"


def test_every_picture_is_shown():
    text = "".join(PAGES.values())
    kept = {file.name for file in (ROOT / "docs/images").iterdir()}
    assert kept == set(re.findall(r"images/([\w-]+\.(?:svg|png))", text))


def test_what_is_importable_is_told_from_what_is_not():
    assert import_string("phone_referrals.tokens.DRFTokenIssuer")
    assert not is_importable("phone_referrals.tokens.Nothing")
