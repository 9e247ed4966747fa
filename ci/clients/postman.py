"""Make docs/postman_collection.json of docs/openapi.yaml: `make reference`.

Every call is in it, in an order in which they can be made one after the other: what an answer brings goes into a
variable, and the calls after it use that. It needs a site that puts codes into its answers, such as `make demo`.
"""

import json
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

DOCS = Path(__file__).parents[2] / "docs"
DESCRIPTION = DOCS / "openapi.yaml"
COLLECTION = DOCS / "postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

# Kept for fiction: 555-0100 to 555-0199. A phone redeems once, so every run has others.
NEW_PHONES = """
const areas = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228];
const phones = new Set();
while (phones.size < 3) {
  const area = areas[Math.floor(Math.random() * areas.length)];
  phones.add(`+1${area}55501${String(Math.floor(Math.random() * 100)).padStart(2, "0")}`);
}
const names = ["phone", "friend_phone", "new_phone"];
[...phones].forEach((phone, number) => pm.collectionVariables.set(names[number], phone));
"""
CODE = 'pm.collectionVariables.set("code", answer.code);'
CODES = f"""{CODE}
pm.collectionVariables.set("current_code", answer.current_code);"""
TOKEN = """pm.collectionVariables.set("token", answer.token);
pm.collectionVariables.set("user_id", answer.user.id);"""
FRIEND = """pm.collectionVariables.set("friend_token", answer.token);
pm.collectionVariables.set("friend_id", answer.user.id);"""


def step(operation: str, status: int, then: str = "", *, by: str = "token", **body: str) -> dict[str, Any]:
    """Say a call, the status it is answered with, what is done with the answer, and the variables it is sent."""
    return {"operation": operation, "status": status, "then": then.strip(), "by": by, "body": body}


def variable(name: str) -> str:
    return "{{" + name + "}}"


def expect(what: str, condition: str) -> str:
    return f"pm.test({json.dumps(what)}, () => pm.expect({condition}));"


FOLDERS = {
    "Sign in, redeem, look": [
        step("get_verify_code", 200, CODE, phone_number="phone"),
        step("sign_in", 201, TOKEN, phone_number="phone", code="code"),
        step("get_me", 200, 'pm.collectionVariables.set("referral_code", answer.referral_code);'),
        step("get_verify_code", 200, CODE, phone_number="friend_phone"),
        step("sign_in", 201, FRIEND, phone_number="friend_phone", code="code"),
        step(
            "redeem_referral_code",
            201,
            expect(
                "The owner of the code has invited the friend.",
                'answer.referred_by.id).to.eql(pm.collectionVariables.get("user_id")',
            ),
            by="friend_token",
            referral_code="referral_code",
        ),
        step(
            "redeem_referral_code",
            409,
            expect("A code is entered once.", 'answer.code).to.eql("already_redeemed"'),
            by="friend_token",
            referral_code="referral_code",
        ),
        step(
            "get_me",
            200,
            expect(
                "The profile shows who came.",
                'answer.invitees.results[0].id).to.eql(pm.collectionVariables.get("friend_id")',
            ),
        ),
        step("get_referrals", 200, expect("One person on the first level.", "answer.levels[0].count).to.eql(1")),
        step(
            "list_own_invitees",
            200,
            expect(
                "The friend is the newest.",
                'answer.results[0].user.id).to.eql(pm.collectionVariables.get("friend_id")',
            ),
        ),
        step("list_users", 200),
        step("get_user", 200, expect("Another's number is masked.", 'answer.phone_number).to.include("***"')),
        step("list_invitees", 200),
    ],
    "Another phone": [
        step("get_change_phone_code", 200, CODES, by="friend_token", phone_number="new_phone"),
        step(
            "change_phone",
            200,
            'pm.collectionVariables.set("friend_token", answer.token || pm.collectionVariables.get("friend_token"));',
            by="friend_token",
            phone_number="new_phone",
            code="code",
            current_code="current_code",
        ),
    ],
    "Sessions, which a token of each device has": [
        step("list_sessions", 404),
        step("end_session", 404),
        step("end_other_sessions", 404),
    ],
    "Leave": [
        step("get_delete_account_code", 200, CODE, by="friend_token"),
        step("delete_account", 204, by="friend_token", code="code"),
        step("log_out", 204),
        step("get_verify_code", 200, CODE, phone_number="phone"),
        step("sign_in", 200, TOKEN, phone_number="phone", code="code"),
        step("log_out_all", 204),
        step("get_me", 401),
    ],
}
PATHS = {"get_user": "friend_id", "list_invitees": "user_id", "end_session": "user_id"}
VARIABLES = [
    "phone",
    "friend_phone",
    "new_phone",
    "code",
    "current_code",
    "token",
    "friend_token",
    "user_id",
    "friend_id",
    "referral_code",
]


def collection(description: dict[str, Any]) -> dict[str, Any]:
    """Return the collection; fails where it leaves out a call, or a field that a call needs."""
    calls = {
        call["operationId"].removeprefix("phone_referrals_"): (method, path, call)
        for path, item in description["paths"].items()
        for method, call in item.items()
    }
    made = {each["operation"] for steps in FOLDERS.values() for each in steps}
    assert made == set(calls), f"Add to FOLDERS: {made ^ set(calls)}"
    folders = [
        {"name": name, "item": [_item(description, *calls[each["operation"]], each) for each in steps]}
        for name, steps in FOLDERS.items()
    ]
    folders[0]["item"][0]["event"].append(_script("prerequest", NEW_PHONES))
    return {
        "info": {
            "_postman_id": str(uuid5(NAMESPACE_URL, "django-phone-referrals")),
            "name": description["info"]["title"],
            "description": f"{description['info']['description']} Run it from top to bottom against `make demo`.",
            "schema": SCHEMA,
        },
        "variable": [
            {"key": "site", "value": "http://127.0.0.1:8000"},
            *({"key": name, "value": ""} for name in VARIABLES),
        ],
        "item": folders,
    }


def _item(
    description: dict[str, Any], method: str, path: str, call: dict[str, Any], each: dict[str, Any]
) -> dict[str, Any]:
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    fields = description["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
    assert set(fields.get("required", [])) <= each["body"].keys() <= fields.get("properties", {}).keys(), each
    assert str(each["status"]) in call["responses"], each
    url = "{{site}}" + path.replace("{id}", variable(PATHS.get(each["operation"], "")))
    headers = [{"key": "Accept", "value": "application/json"}]
    if "security" in call:
        headers.append({"key": "Authorization", "value": f"Token {variable(each['by'])}"})
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": headers,
        "url": {"raw": url, "host": ["{{site}}"], "path": url.removeprefix("{{site}}/").split("/")},
        "description": call["description"],
    }
    if each["body"]:
        raw = json.dumps({field: variable(name) for field, name in each["body"].items()}, indent=2)
        request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    lines = [f'pm.test("{each["status"]}", () => pm.response.to.have.status({each["status"]}));']
    if each["then"]:
        lines += ["const answer = pm.response.json();", *each["then"].splitlines()]
    name = each["operation"].replace("_", " ").capitalize()
    return {"name": name, "event": [_script("test", "\n".join(lines))], "request": request, "response": []}


def _script(listen: str, text: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.strip().splitlines()}}


def render() -> str:
    return json.dumps(collection(yaml.safe_load(DESCRIPTION.read_text())), indent=2) + "\n"


if __name__ == "__main__":
    COLLECTION.write_text(render())
