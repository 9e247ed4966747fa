"""Makes half of what schemathesis sends good enough to pass the first check; the other half stays as wild as it was.

Loaded by schemathesis, by its name in SCHEMATHESIS_HOOKS.
"""

import os
import random
from urllib.parse import urlsplit

import schemathesis

from ci.running.site import Client, fictional_phones

site = urlsplit(os.environ["SITE"])
client = Client((site.hostname, site.port))
chance = random.Random(1)
# Each of the processes that fuzz at once has phones of its own.
TEXT = ["utf-8", "UTF8", "utf-16", "utf-7", "latin-1", "cp1251", "nonsense", ""]
# With a query Django itself fails at these, before it asks any code of ours: see docs/topics/security.md. So it does at
# parameters in the spelling of RFC 2231, which are left out.
NO_TEXT = ["zlib", "bz2", "rot13", "idna", "punycode", "undefined", "unicode_escape"]
ODD_HEADERS = {
    "Content-Encoding": ["gzip", "br", "deflate, gzip", "identity", "x"],
    "Sec-Fetch-Site": ["cross-site", "same-site", "same-origin", "none", "x"],
    "Sec-Fetch-Mode": ["cors", "no-cors", "navigate", "x"],
    "Origin": ["null", "http://other.example", "x"],
}
ODD_QUERIES = ["ref", "cursor", "x", "é", "a[b]", "q"]
ODD_TEXTS = ["", "1", "\u00e9", "\0", "%", "ABC234", "a" * 500, "+12015550100"]
# Addresses of other calls, where schemathesis may put the id of a user.
NO_IDS = {"auth", "get_verify_code", "logout", "logout_all", "me"}
phones = [phone for phone in fictional_phones() if phone[-1] in os.environ["LAST_DIGITS"]]
wild, fresh = phones[:200], iter(phones[200:])
people = []  # who signed in here: id and referral code


def ask():
    phone = next(fresh)
    return {
        "phone_number": phone,
        "code": client.post("/api/users/get_verify_code/", {"phone_number": phone})[1]["code"],
    }


def sign_in():
    token = client.post("/api/users/auth/", ask())[1]["token"]
    if len(people) < 20:
        me = client.get("/api/users/me/", token)[1]
        people.append((me["id"], me["referral_code"]))
    return token


def prove(call, token):
    """Return what changes the phone of the user of a token, or deletes the account."""
    if call == "delete":
        return {"code": client.post("/api/users/me/get_verify_code/", {}, token)[1]["code"]}
    data = {"phone_number": next(fresh)}
    asked = client.post("/api/users/me/phone/get_verify_code/", data, token)[1]
    return {**data, "code": asked["code"], "current_code": asked["current_code"]}


for _ in range(5):
    sign_in()


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict) or chance.random() < 0.5:
        return body
    known = {"phone_number": chance.choice(wild), "referral_code": chance.choice(people)[1]}
    if "code" in body and chance.random() < 0.5:
        known |= ask()
    return {**body, **{name: value for name, value in known.items() if name in body}}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters and "id" in path_parameters and chance.random() < 0.5:
        return {"id": chance.choice(people)[0]}
    return path_parameters


def vary(case):
    """Have some requests name charsets, encodings and sites that the description knows nothing of, and ask for more."""
    if case.method.upper() != case.operation.method.upper():
        return  # A method that the call does not have is refused as such; any of these would be refused first.
    if (case.path_parameters or {}).get("id") in NO_IDS:
        case.path_parameters["id"] = chance.choice(people)[0]
    for header, values in ODD_HEADERS.items():
        if chance.random() < 0.05:
            case.headers[header] = chance.choice(values)
    if chance.random() < 0.1:
        case.query[chance.choice(ODD_QUERIES)] = chance.choice(ODD_TEXTS)
    if chance.random() < 0.1:
        charset = chance.choice(TEXT if case.query else TEXT + NO_TEXT)
        case.headers["Content-Type"] = f"{case.media_type or 'text/plain'}; charset={charset}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Vary the request. Sign in, as the one user of TOKEN, or as a new one where that can be done but once."""
    vary(case)
    # Seldom not at all.
    if "TOKEN" not in os.environ or chance.random() < 0.05:
        return
    last = case.operation.label.rstrip("/").rpartition("/")[2]
    if last in {"phone", "delete"} and chance.random() < 0.3:
        token = sign_in()
        case.body = prove(last, token)
        case.headers["Authorization"] = f"Token {token}"
        return
    once = last in {"logout", "logout_all"} or (last == "referral_code" and chance.random() < 0.3)
    case.headers["Authorization"] = f"Token {sign_in() if once else os.environ['TOKEN']}"
