"""The committed reference is what the code makes it, and leaves nothing out."""

import re
from collections import Counter

import http_api
import pytest
import reference
from django.core.checks import run_checks
from django.dispatch import Signal
from django.urls import get_resolver

from phone_referrals import signals, throttling
from phone_referrals.conf import Conf, conf
from tests.docs.pages import PAGES

# They are raised below the API, which answers otherwise, or by the pages.
NOT_ANSWERED = {"invalid_phone_number", "code_taken", "code_reserved"}


def page(name):
    return PAGES[f"docs/reference/{name}.md"]


@pytest.mark.parametrize("file", reference.pages(), ids=lambda file: file.stem)
def test_the_committed_page_is_what_the_code_makes(file):
    text = file.read_text()
    assert text == reference.write(text), "Run: make reference"


def test_every_writer_has_a_place():
    made = [mark[1] for file in reference.pages() for mark in reference.MADE.findall(file.read_text())]
    assert sorted(made) == sorted(reference.WRITERS)


def test_every_setting_is_there_once_with_its_meaning():
    headings = re.findall(r"^### `PHONE_REFERRALS_(\w+)`\n\n(.+)", page("settings"), re.MULTILINE)
    assert Counter(name for name, _ in headings) == Counter(reference.setting_names())
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


def test_every_signal():
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(re.findall(r"^\| `(\w+)` \|", page("signals"), re.MULTILINE)) == names


def test_every_check():
    assert set(re.findall(r"^\| `(phone_referrals\.\w+)` \|", page("checks"), re.MULTILINE)) == {
        each for each, *_ in reference.checks()
    }


@pytest.mark.django_db
def test_a_check_says_what_the_reference_says(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 3
    (message,) = run_checks()
    shape = re.search(rf"\| `{message.id}` \| (.+?) \| (.+?) \|", page("checks").replace("\\", ""))
    assert re.fullmatch(re.escape(shape[1]).replace("…", ".+"), message.msg)
    assert re.fullmatch(re.escape(shape[2]).replace("…", ".+"), message.hint, re.DOTALL)


def routes_of(urlconf):
    return {str(each.pattern) for each in get_resolver(urlconf).url_patterns}


def test_every_call():
    described = re.findall(r"^## `(?:GET|POST) (.+)`", page("http_api"), re.MULTILINE)
    assert {re.sub(r"\{\w+\}", "<str:pk>", path) for path in described} == routes_of("phone_referrals.urls")
    assert len(described) == len(http_api.description()["paths"])


def test_every_refusal_of_the_api_has_a_call():
    codes = {code for codes in http_api.CODES.values() for code in codes.split()}
    drf = {code for codes in http_api.DRF_CODES.values() for code in codes}
    assert codes | drf >= {each.code for each in reference.refusals()} - NOT_ANSWERED
    assert codes <= {each.code for each in reference.refusals()}
    assert set(http_api.CODES) <= {http_api.operation(call) for _, _, call in http_api.calls()}


def test_every_code_of_a_call_has_a_status_of_the_call():
    for _, _, call in http_api.calls():
        for code in http_api.CODES.get(http_api.operation(call), "").split():
            assert {*map(str, http_api.statuses()[code])} & call["responses"].keys(), (call["operationId"], code)


def test_every_page():
    shown = re.findall(r"^\| (?:`(.+?)`|\(the root\)) \| `(\w+)` \|", page("pages"), re.MULTILINE)
    patterns = get_resolver("phone_referrals.pages.urls").url_patterns
    # One without a name reads an address that was shared with a mark after it: nothing links to it.
    assert dict(shown) == {re.sub(r"<path:", "<", str(each.pattern)): each.name for each in patterns if each.name}


@pytest.mark.parametrize("issuer", ["drf.DRFTokenIssuer", "knox.KnoxTokenIssuer", "jwt.JWTIssuer"])
def test_every_kind_of_token(issuer):
    assert issuer.rpartition(".")[2] in page("settings")
