"""Writes the tables of the reference into the pages of `docs/`: `make reference`.

The pages are committed, so that they can be read on a code host. A page has its own text, and between the lines
`<!-- made by make reference: NAME -->` and `<!-- end -->` what the writer of that name makes from the code. A test
compares.
"""

import ast
import inspect
import os
import re
import sys
from argparse import SUPPRESS
from functools import cache
from pathlib import Path
from pprint import pformat
from typing import Any
from unittest.mock import patch

import django
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import models

DOCS = Path(__file__).parents[1]
sys.path[:0] = [str(DOCS.parent)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
if not apps.ready:
    django.setup()

import http_api  # noqa: E402

import phone_referrals  # noqa: E402
from phone_referrals import conf, exceptions, signals, throttling  # noqa: E402
from phone_referrals.checks.settings import Whole  # noqa: E402
from phone_referrals.signin.checks import SETTINGS  # noqa: E402

SOURCE = Path(phone_referrals.__file__).parent
PREFIX = "PHONE_REFERRALS_"


# Settings


def setting_names() -> list[str]:
    """Return the settings without their prefix, in the order of `conf.py`."""
    return [name.upper() for name, value in vars(conf.Conf).items() if isinstance(value, property)]


def default_of(name: str) -> Any:
    with patch.object(conf, "_get", lambda _name, default: default):
        return getattr(conf.conf, name.lower())


def write_settings() -> str:
    """Describe every setting, below the headings that the comments of `conf.py` are."""
    lines = re.findall(r"^    (?:# (.+)|def ([a-z]\w+)\(self\).*)$", inspect.getsource(conf.Conf), re.MULTILINE)
    return "\n\n".join(f"## {heading}" if heading else _setting(name.upper()) for heading, name in lines)


def _setting(name: str) -> str:
    meaning = inspect.getdoc(vars(conf.Conf)[name.lower()])
    # The default of this one depends on DEBUG, as its text says.
    default = "" if name == "ALLOWED_REGIONS" else f"Default: `{pformat(default_of(name), width=1000)}`."
    bounds = ranges().get(PREFIX + name)
    allowed = f"A whole number from {bounds[0]} to {bounds[1]}." if bounds else ""
    facts = " ".join(part for part in (default, allowed) if part)
    return "\n\n".join(part for part in (f"### `{PREFIX}{name}`", meaning, facts) if part)


def write_rates() -> str:
    """Describe the throttles."""
    lines = ["| rate | default |", "|---|---|"]
    lines += [
        f"| `{each.scope}` | `{each.default_rate}` |"
        for each in vars(throttling).values()
        if hasattr(each, "scope") and getattr(each, "default_rate", "")
    ]
    return "\n".join(lines)


def ranges() -> dict[str, tuple[int, int]]:
    """Return the least and the greatest value of the settings that have them."""
    return {name: (each.least, each.greatest) for name, (each, _) in SETTINGS.items() if isinstance(each, Whole)}


# System checks


@cache
def checks() -> list[tuple[str, str, str]]:
    """Read from the source the id, the message and the hint of each check, wherever its module is."""
    modules = [ast.parse(file.read_text()) for file in sorted(SOURCE.rglob("*.py"))]
    found = []
    for call in (node for module in modules for node in ast.walk(module) if isinstance(node, ast.Call)):
        words = {each.arg: each.value for each in call.keywords}
        if _name(call.func) in {"Error", "Info", "Warning"} and "id" in words:
            found.append((ast.literal_eval(words["id"]), _text(call.args[0]), _text(words["hint"])))
    return sorted(found)


def write_checks() -> str:
    lines = ["| id | message | what to do |", "|---|---|---|"]
    lines += [f"| `{each}` | {message} | {hint} |" for each, message, hint in checks()]
    return "\n".join(lines)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    """Return a text of the source, with an ellipsis for each value that is put into it."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    else:
        text = ast.literal_eval(node)
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("<", "\\<")


# Errors, signals


def refusals() -> list[type[exceptions.PhoneReferralsError]]:
    """Return the classes that have a code of their own."""
    classes = [each for each in vars(exceptions).values() if isinstance(each, type)]
    return [each for each in classes if "code" in vars(each) and each is not exceptions.PhoneReferralsError]


def write_errors() -> str:
    lines = ["| code | status | message | class |", "|---|---|---|---|"]
    lines += [
        f"| `{each.code}` | {each.status_code} | {each.default_message} | `{each.__name__}` |" for each in refusals()
    ]
    return "\n".join(lines)


def write_signals() -> str:
    return str(inspect.getdoc(signals))


# Commands


def command_names() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app.startswith("phone_referrals"))


def write_commands() -> str:
    return "\n\n".join(_command(name) for name in command_names())


def _command(name: str) -> str:
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    own = [each for each in parser._actions if each.dest not in _of_every_command() and each.help != SUPPRESS]
    options = [
        f"- `{each.option_strings[0]}{'' if each.nargs == 0 else f' {each.dest.upper()}'}`: "
        + str(each.help) % {"default": each.default}
        for each in own
    ]
    return "\n\n".join(part for part in (f"## `{name}`", command.help, "\n".join(options)) if part)


@cache
def _of_every_command() -> set[str]:
    return {each.dest for each in BaseCommand().create_parser("manage.py", "any")._actions}


# Models


def model_classes() -> list[type[models.Model]]:
    """Return the models of the package, by name."""
    ours = [each for each in apps.get_models() if each._meta.app_label.startswith("phone_referrals")]
    return sorted(ours, key=lambda each: each.__name__)


def write_models() -> str:
    return "\n\n".join(map(_model, model_classes()))


def _model(model: type[models.Model]) -> str:
    rows = ["| field | type | |", "|---|---|---|", *map(_field, model._meta.local_fields)]
    kept = [f"- unique: {_names(each.fields)}" for each in model._meta.constraints if hasattr(each, "fields")]
    kept += [f"- check: `{each.name}`" for each in model._meta.constraints if isinstance(each, models.CheckConstraint)]
    kept += [f"- index: {_names(each.fields)}" for each in model._meta.indexes]
    parts = (f"## `{model.__name__}`", inspect.getdoc(model), "\n".join(rows), "\n".join(kept))
    return "\n\n".join(part for part in parts if part)


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _field(field: Any) -> str:
    kind, unique = type(field).__name__, field.unique and not field.primary_key
    if field.related_model:
        is_user = field.related_model._meta.label == settings.AUTH_USER_MODEL
        kind += f" to {'the user' if is_user else f'`{field.related_model.__name__}`'}"
    elif field.max_length:
        kind += f"({field.max_length})"
    marks = {"primary key": field.primary_key, "unique": unique, "indexed": field.db_index and not unique}
    facts = [text for text, is_so in {**marks, "may be null": field.null}.items() if is_so]
    return f"| `{field.name}` | {kind} | {'; '.join([*facts, *filter(None, [str(field.help_text)])])} |"


# Pages

WRITERS = {
    "settings": write_settings,
    "rates": write_rates,
    "errors": write_errors,
    "signals": write_signals,
    "commands": write_commands,
    "checks": write_checks,
    "models": write_models,
    "calls": http_api.write_list,
    "http-api": http_api.write_calls,
}
MADE = re.compile(r"(<!-- made by make reference: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(page: str) -> str:
    """Return a page with what its writers make of the code of today."""
    return MADE.sub(lambda mark: f"{mark[1]}\n{WRITERS[mark[2]]()}\n\n{mark[3]}", page)


def pages() -> list[Path]:
    """Return the pages that have parts made from the code."""
    return [file for file in sorted(DOCS.glob("reference/*.md")) if MADE.search(file.read_text())]


def main() -> None:
    for file in pages():
        file.write_text(write(file.read_text()))


if __name__ == "__main__":
    main()
