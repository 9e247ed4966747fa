"""Every text that a visitor, an API client or an admin can see has a Russian one."""

import ast
import re
from pathlib import Path

import polib
import pytest

import phone_referrals

PACKAGE = Path(phone_referrals.__file__).parent
CATALOGUE = PACKAGE / "locale/ru/LC_MESSAGES/django.po"


def texts_in_python():
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in {"_", "gettext_lazy"}:
                    yield ast.literal_eval(node.args[0]), ""
                elif node.func.id == "ngettext":
                    yield ast.literal_eval(node.args[0]), ast.literal_eval(node.args[1])


def texts_in_templates():
    for file in PACKAGE.glob("templates/**/*.*"):
        for text in re.findall(r"{% blocktranslate %}(.*?){% endblocktranslate %}", file.read_text(), re.DOTALL):
            yield re.sub(r"{{ (\w+) }}", r"%(\1)s", text), ""
        for text in re.findall(r'(?:{% translate |:_\()"(.*?)"', file.read_text()):
            yield text, ""


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(CATALOGUE)


def test_every_text_is_in_the_catalogue_and_nothing_else_is(catalogue):
    assert {(each.msgid, each.msgid_plural) for each in catalogue} == {*texts_in_python(), *texts_in_templates()}


def test_every_text_is_translated_and_no_translation_is_fuzzy(catalogue):
    assert catalogue.untranslated_entries() == []
    assert catalogue.fuzzy_entries() == []


def test_translations_name_the_same_values(catalogue):
    for entry in catalogue:
        values = re.compile(r"%\(\w+\)[sd]|{\w+}|<[^>]+>")
        for text in forms_of(entry):
            assert sorted(values.findall(entry.msgid)) == sorted(values.findall(text)), entry.msgid


def test_russian_has_a_form_for_one_for_a_few_and_for_many(catalogue):
    for entry in catalogue:
        assert entry.msgid_plural == "" or (len(entry.msgstr_plural) == 4 and all(forms_of(entry))), entry.msgid


def forms_of(entry):
    return entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]


def test_the_compiled_catalogue_is_made_from_this_one(catalogue):
    compiled = polib.mofile(CATALOGUE.with_suffix(".mo"))
    assert {each.msgid: [*forms_of(each)] for each in compiled} == {each.msgid: [*forms_of(each)] for each in catalogue}
