"""The reference says all that there is. What it says is written from the code, so this is about what it leaves out."""

import re
from collections import Counter

import pytest
import yaml
from django.core.checks import run_checks
from django.dispatch import Signal
from django.urls import get_resolver
from from_code import check_ids, check_messages, command_names, refusals, setting_names

from phone_referrals import signals, throttling
from phone_referrals.conf import Conf, conf
from tests.docs.pages import DOCS, PAGES


def page(name):
    return PAGES[f"docs/reference/{name}.md"]


def test_every_setting_is_there_once_with_its_meaning():
    headings = re.findall(r"^### `PHONE_REFERRALS_(\w+)`\n\n(.+)", page("settings"), re.MULTILINE)
    assert Counter(name for name, _ in headings) == Counter(setting_names())
    assert all(Conf.__dict__[name.lower()].__doc__.startswith(meaning[:40]) for name, meaning in headings)


def test_the_defaults_are_those_of_a_site_that_sets_nothing(monkeypatch):
    monkeypatch.setattr("phone_referrals.conf._get", lambda name, default: default)
    parts = page("settings").split("### `PHONE_REFERRALS_")[1:]
    defaults = {part.partition("`")[0]: re.search(r"^Default: `(.+?)`", part, re.MULTILINE) for part in parts}
    assert [name for name, default in defaults.items() if not default] == ["ALLOWED_REGIONS"]  # It depends on DEBUG.
    for name, default in defaults.items():
        assert not default or repr(getattr(conf, name.lower())) == default[1]


def test_every_rate():
    scopes = {each.scope for each in vars(throttling).values() if "default_rate" in getattr(each, "__dict__", {})}
    assert {scope for scope in scopes if f"| `{scope}` |" in page("settings")} == scopes
    assert len(scopes) == 5


def test_every_error_code_with_its_status():
    assert all(f"| `{each.code}` | {each.status_code} |" in page("errors") for each in refusals())


def test_every_signal():
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(re.findall(r"^\| `(\w+)` \|", page("signals"), re.MULTILINE)) == names


def test_every_command_with_its_options():
    assert re.findall(r"^## `(\w+)`", page("commands"), re.MULTILINE) == command_names()
    assert {"--fix", "--region REGION", "--days DAYS", "--batch BATCH"} == set(
        re.findall(r"^`(--.+)`$", page("commands"), re.MULTILINE)
    )


def test_every_check():
    assert set(re.findall(r"^\| `(phone_referrals\.\w+)` \|", page("checks"), re.MULTILINE)) == set(
        check_ids().values()
    )


@pytest.mark.django_db
def test_a_check_says_what_the_reference_says(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 3
    (message,) = run_checks()
    shape = re.search(rf"\| `{message.id}` \| (.+?) \| (.+?) \|", check_messages().replace("\\", ""))
    assert re.fullmatch(re.escape(shape[1]).replace("…", ".+"), message.msg)
    assert re.fullmatch(re.escape(shape[2]).replace("…", ".+"), message.hint, re.DOTALL)


def routes_of(urlconf):
    return {str(each.pattern) for each in get_resolver(urlconf).url_patterns}


def test_every_call():
    described = re.findall(r"^## `(?:GET|POST) (.+)`", page("http_api"), re.MULTILINE)
    assert {re.sub(r"\{\w+\}", "<str:pk>", path) for path in described} == routes_of("phone_referrals.urls")
    assert len(described) == len(yaml.safe_load((DOCS / "openapi.yaml").read_text())["paths"])


def test_every_page():
    shown = re.findall(r"^\| (?:`(.+?)`|\(the root\)) \| `(\w+)` \|", page("pages"), re.MULTILINE)
    patterns = get_resolver("phone_referrals.pages.urls").url_patterns
    # One without a name reads an address that was shared with a mark after it: nothing links to it.
    assert dict(shown) == {re.sub(r"<path:", "<", str(each.pattern)): each.name for each in patterns if each.name}


@pytest.mark.parametrize("issuer", ["drf.DRFTokenIssuer", "knox.KnoxTokenIssuer", "jwt.JWTIssuer"])
def test_every_kind_of_token(issuer):
    assert issuer.rpartition(".")[2] in page("settings")
