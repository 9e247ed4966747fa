"""Writes the references from the code, so that nothing is written twice.

A line `<!-- from the code: settings CODE_DIGITS -->` of a page becomes Markdown before Sphinx reads the page. The tests
read that Markdown too.
"""

import ast
import inspect
import re
from argparse import SUPPRESS
from functools import cache
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import yaml
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from phone_referrals import conf, exceptions, signals, throttling
from phone_referrals.checks import ids
from phone_referrals.checks.messages import RANGES

if TYPE_CHECKING:
    from sphinx.application import Sphinx

OPENAPI = Path(__file__).parents[1] / "openapi.yaml"
COMMANDS = Path(conf.__file__).parent / "management/commands"
CHECKS = Path(ids.__file__).parent
PREFIX = "PHONE_REFERRALS_"


def setting_names() -> list[str]:
    """Return the settings without their prefix, in the order of `conf.py`."""
    return [name.upper() for name in vars(conf.Conf) if not name.startswith("_")]


def default_of(name: str) -> Any:
    with patch.object(conf, "_get", lambda _name, default: default):
        return getattr(conf.conf, name.lower())


def settings(*names: str) -> str:
    """Describe the settings that are named."""
    return "\n".join(_setting(name) for name in names)


def _setting(name: str) -> str:
    meaning = inspect.getdoc(vars(conf.Conf)[name.lower()])
    # What it is depends on DEBUG, as its meaning says.
    default = "" if name == "ALLOWED_REGIONS" else f"Default: `{pformat(default_of(name), width=1000)}`"
    bounds = RANGES.get(name.lower())
    allowed = f"A whole number from {bounds[0]} to {bounds[1]}." if bounds else ""
    facts = ". ".join(part for part in (default, allowed) if part)
    return f"### `{PREFIX}{name}`\n\n{meaning}\n\n{facts}\n"


def rates() -> str:
    """Describe the throttles."""
    lines = ["| rate | default |", "|---|---|"]
    lines += [
        f"| `{each.scope}` | `{each.default_rate}` |"
        for each in vars(throttling).values()
        if hasattr(each, "scope") and getattr(each, "default_rate", "")
    ]
    return "\n".join(lines)


def refusals() -> list[type[exceptions.PhoneReferralsError]]:
    """Return the classes that have a code of their own."""
    classes = [each for each in vars(exceptions).values() if isinstance(each, type)]
    return [each for each in classes if "code" in vars(each) and each is not exceptions.PhoneReferralsError]


def errors() -> str:
    lines = ["| code | status | what people read | class |", "|---|---|---|---|"]
    lines += [
        f"| `{each.code}` | {each.status_code} | {each.default_message} | `{each.__name__}` |" for each in refusals()
    ]
    return "\n".join(lines)


def table_of_signals() -> str:
    return str(inspect.getdoc(signals))


def command_names() -> list[str]:
    return sorted(file.stem for file in COMMANDS.glob("[!_]*.py"))


def commands() -> str:
    return "\n".join(_command(name) for name in command_names())


def _command(name: str) -> str:
    command = load_command_class("phone_referrals", name)
    parser = command.create_parser("manage.py", name)
    own = [each for each in parser._actions if each.dest not in _of_every_command() and each.help != SUPPRESS]
    options = [
        f"`{each.option_strings[0]}{'' if each.nargs == 0 else f' {each.dest.upper()}'}`\n: "
        + str(each.help) % {"default": each.default}
        for each in own
    ]
    return "\n\n".join([f"## `{name}`", command.help, *options]) + "\n"


@cache
def _of_every_command() -> set[str]:
    return {each.dest for each in BaseCommand().create_parser("manage.py", "any")._actions}


def check_ids() -> dict[str, str]:
    """Return the ids of the checks by the names of their constants."""
    return {name: value for name, value in vars(ids).items() if re.fullmatch(r"phone_referrals\.[EIW]\d+", str(value))}


def check_messages() -> str:
    """Read from the source what each check says, and what it says to do."""
    names = check_ids()
    lines = ["| id | what it says | what to do |", "|---|---|---|"]
    found = []
    for call in (node for file in sorted(CHECKS.glob("*.py")) for node in ast.walk(ast.parse(file.read_text()))):
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
        if name in {"Error", "Info", "Warning"}:
            words = {each.arg: each.value for each in call.keywords}
            found.append((names[words["id"].id], _text(call.args[0]), _text(words["hint"])))
    lines += [f"| `{each}` | {message} | {hint} |" for each, message, hint in sorted(found)]
    return "\n".join(lines)


def _text(node: ast.expr) -> str:
    """Return a text of the source; what is put into it when it is said is an ellipsis."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    else:
        text = ast.literal_eval(node)
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("<", "\\<")


def http_api() -> str:
    """Describe every call of the committed description of the API."""
    description = yaml.safe_load(OPENAPI.read_text())
    calls = [(path, method, call) for path, item in description["paths"].items() for method, call in item.items()]
    return "\n\n".join(_call(description, *each) for each in calls)


def _call(description: dict[str, Any], path: str, method: str, call: dict[str, Any]) -> str:
    parts = [f"## `{method.upper()} {path.removeprefix('/api/')}`", call.get("description", "")]
    if "security" not in call or {} in call["security"]:
        parts.append("For anybody.")
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        parts.append("Send:\n\n" + "\n".join(_fields(description, body)))
    queries = [each for each in call.get("parameters", []) if each["in"] == "query"]
    parts += [f"- `?{each['name']}=`: {each['description']}" for each in queries]
    answers = []
    for status, answer in call["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if int(status) < 300:
            fields = _fields(description, schema) if schema else []
            answers.append("\n".join([f"**{status}**{'' if fields else ', empty.'}", "", *fields]))
    parts += answers
    refused = [
        f"{status}: {answer['description']}"
        for status, answer in sorted(call["responses"].items())
        if int(status) >= 300
    ]
    parts.append("Refused with\n\n" + "\n".join(f"- {each}" for each in refused))
    return "\n\n".join(part for part in parts if part)


def _fields(description: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> list[str]:
    """Return a list of what a schema has in it, with lists below for what is in that."""
    schema = _resolved(description, schema)
    lines = []
    for name, field in schema.get("properties", {}).items():
        inner = _resolved(description, field)
        kind = f"list of {_kind(_resolved(description, inner['items']))}" if "items" in inner else _kind(inner)
        optional = "" if name in schema.get("required", []) else ", may be missing"
        null = " or null" if field.get("nullable") or inner.get("nullable") else ""
        words = field.get("description") or ""
        lines.append(f"{'  ' * depth}- `{name}`: {kind}{null}{optional}{f'. {words}' if words else ''}")
        lines += _fields(description, inner.get("items", inner), depth + 1)
    return lines


def _resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "allOf" in schema:
        return {**schema, **_resolved(description, schema["allOf"][0])}
    if "$ref" in schema:
        return dict(description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def _kind(schema: dict[str, Any]) -> str:
    return str(schema.get("format") or schema.get("type", "object"))


WRITERS = {
    "settings": settings,
    "rates": rates,
    "errors": errors,
    "signals": table_of_signals,
    "commands": commands,
    "checks": check_messages,
    "http-api": http_api,
}


MARK = re.compile(r"^<!-- from the code: ([\w-]+)(.*) -->$", re.MULTILINE)


def write(page: str) -> str:
    """Return a page with every `<!-- from the code: … -->` replaced by what its writer says."""
    return MARK.sub(lambda mark: WRITERS[mark[1]](*mark[2].split()), page)


def _on_source_read(app: "Sphinx", docname: str, source: list[str]) -> None:
    source[0] = write(source[0])


def setup(app: "Sphinx") -> dict[str, bool]:
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True}
