"""Describes the HTTP API in Markdown, from the committed `docs/openapi.yaml`; see `reference.py`."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.urls import get_resolver

from phone_referrals import exceptions

OPENAPI = Path(__file__).parents[1] / "openapi.yaml"
Schema = dict[str, Any]

# The description has statuses only. These are the codes behind them, by call; each stands under its own status.
_SENDING = """
    region_not_served landline_not_allowed service_number_not_allowed phone_not_allowed captcha_failed phone_locked
    resend_too_soon too_many_messages sms_limit_reached captcha_unavailable delivery_failed busy
"""
_GUESSING = "invalid_code code_expired phone_locked too_many_guesses busy"
_PHONE = "same_phone proof_required"
_DELETION = "no_phone deletion_refused"
CODES = {
    "get_verify_code": f"{_SENDING} cross_site",
    "sign_in": f"{_GUESSING} cross_site account_disabled staff_not_allowed second_factor_required sign_in_refused",
    "get_change_phone_code": f"{_SENDING} {_PHONE}",
    "change_phone": f"{_GUESSING} {_PHONE} account_disabled phone_taken",
    "get_delete_account_code": f"{_SENDING} {_DELETION}",
    "delete_account": f"{_GUESSING} {_DELETION} account_disabled",
    "redeem_referral_code": """
        invalid_referral_code own_code referral_code_expired code_exhausted not_eligible account_disabled
        already_redeemed circular_referral busy
    """,
    "list_users": "invalid_cursor",
    "list_invitees": "invalid_cursor",
    "list_own_invitees": "invalid_cursor",
}
# Of Django REST framework, by status.
DRF_CODES = {
    400: ["parse_error"],
    401: ["not_authenticated", "authentication_failed"],
    403: ["permission_denied"],
    404: ["not_found"],
    406: ["not_acceptable"],
    415: ["unsupported_media_type"],
    429: ["throttled"],
    503: ["unavailable"],
}
# Statuses that are told once for all calls; with codes of its own, a call has them too.
SHARED = {401, 406, 415, 503}
HEAD = ["| status | codes | |", "|---|---|---|"]


@cache
def description() -> Schema:
    return dict(yaml.safe_load(OPENAPI.read_text()))


def calls() -> Iterator[tuple[str, str, Schema]]:
    """Return the path below the site's prefix, the method and the description of each call."""
    for path, item in description()["paths"].items():
        for method, call in item.items():
            yield path.removeprefix("/api/"), method.upper(), call


def operation(call: Schema) -> str:
    return str(call["operationId"]).removeprefix("phone_referrals_")


def write_list() -> str:
    """List the endpoints with the halves whose URLs have them, then the refusals that all of them share."""
    lines = ["| endpoint | half | for | |", "|---|---|---|---|"]
    lines += [
        f"| `{method} {path}` | {_half(path)} | {_readers(call)} | {call['description'].splitlines()[0]} |"
        for path, method, call in calls()
    ]
    responses = {**next(call for _, _, call in calls() if not _is_open(call))["responses"]}
    shared = [_refusal(int(status), [], responses) for status in sorted(responses) if int(status) in SHARED]
    return "\n".join([*lines, "", "Each endpoint may also answer:", "", *HEAD, *shared])


def _half(path: str) -> str:
    patterns = {half: get_resolver(f"phone_referrals.{half}.urls").url_patterns for half in ("signin", "referrals")}
    here = re.sub(r"{\w+}", "<>", path)
    halves = [
        half for half, of in patterns.items() if here in {re.sub(r"<.+?>", "<>", str(each.pattern)) for each in of}
    ]
    return "".join(halves) or "both"


def _is_open(call: Schema) -> bool:
    return "security" not in call or {} in call["security"]


def _readers(call: Schema) -> str:
    return "everybody" if _is_open(call) else "signed-in users"


def write_calls() -> str:
    return "\n\n".join(_call(*each) for each in calls())


def _call(path: str, method: str, call: Schema) -> str:
    parts = [f"## `{method} {path}`", call["description"], f"For {_readers(call)}."]
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        parts.append("Body:\n\n" + "\n".join(_fields(body)))
    queries = [each for each in call.get("parameters", []) if each["in"] == "query"]
    if queries:
        parts.append("Query:\n\n" + "\n".join(f"- `{each['name']}`: {each['description']}" for each in queries))
    parts += _answers(call["responses"])
    refused = []
    for status in sorted(int(status) for status in call["responses"] if int(status) >= 300):
        own = [code for code in CODES.get(operation(call), "").split() if status in statuses()[code]]
        if own or status not in SHARED:
            refused.append(_refusal(status, own, call["responses"]))
    if refused:
        parts.append("\n".join([*HEAD, *refused]))
    return "\n\n".join(parts)


def _answers(responses: Schema) -> list[str]:
    """Return what each success has in it; two statuses of one shape share it."""
    shapes: dict[str, list[str]] = {}
    for status, answer in responses.items():
        if int(status) < 300:
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            shapes.setdefault("\n".join(_fields(schema)) if schema else "", []).append(status)
    return [
        f"Answer {' or '.join(statuses)}" + (f":\n\n{fields}" if fields else ", without a body.")
        for fields, statuses in shapes.items()
    ]


def _refusal(status: int, own: list[str], responses: Schema) -> str:
    codes = ", ".join(f"`{code}`" for code in [*own, *DRF_CODES.get(status, ())])
    return f"| {status} | {codes} | {responses[str(status)]['description']} |"


@cache
def statuses() -> dict[str, set[int]]:
    """Return the statuses of each code: two classes may share a code."""
    found: dict[str, set[int]] = {}
    for each in vars(exceptions).values():
        if isinstance(each, type) and "code" in vars(each):
            found.setdefault(each.code, set()).add(each.status_code)
    return found


def _fields(schema: Schema, depth: int = 0) -> list[str]:
    """Return a list of the fields of a schema, with lists below for the fields of those."""
    schema = _resolved(schema)
    lines = []
    for name, field in schema.get("properties", {}).items():
        inner = _resolved(field)
        kind = f"list of {_kind(_resolved(inner['items']))}" if "items" in inner else _kind(inner)
        optional = "" if name in schema.get("required", []) else ", may be missing"
        null = " or null" if field.get("nullable") or inner.get("nullable") else ""
        words = field.get("description") or ""
        lines.append(f"{'  ' * depth}- `{name}`: {kind}{null}{optional}{f'. {words}' if words else ''}")
        lines += _fields(inner.get("items", inner), depth + 1)
    return lines


def _resolved(schema: Schema) -> Schema:
    if "allOf" in schema:
        return {**schema, **_resolved(schema["allOf"][0])}
    if "$ref" in schema:
        return dict(description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def _kind(schema: Schema) -> str:
    return str(schema.get("format") or schema.get("type", "object"))
