"""Fuzz the running example site by its own OpenAPI description.

    python -m ci.fuzz

lets schemathesis send at least 20,000 requests, half of them by nobody and half by somebody signed in, and fails on any
5xx and on any answer that the description does not describe. Takes five minutes on two cores.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ci.running.site import ROOT, Client, running_site

REQUESTS = 20_000
# Cases for each call: of the fuzzing of single calls, and about as many of chains of them.
EXAMPLES = {"nobody": 600, "somebody": 600}
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]
# Calls that the demo's kind of token answers with 404, always.
OF_OTHER_KINDS = {"list_sessions", "end_session", "end_other_sessions"}
ME = "$response.body#/user/id"
# From one call to the next. drf-spectacular has no way to say so.
LINKS = {
    ("get_verify_code", "200"): {
        "sign_in": {
            "requestBody": {"phone_number": "$response.body#/phone_number", "code": "$response.body#/code"},
        }
    },
    ("sign_in", "200"): {"get_user": {"parameters": {"id": ME}}, "list_invitees": {"parameters": {"id": ME}}},
    ("sign_in", "201"): {"get_user": {"parameters": {"id": ME}}, "list_invitees": {"parameters": {"id": ME}}},
    ("get_me", "200"): {
        "redeem_referral_code": {"requestBody": {"referral_code": "$response.body#/referral_code"}},
        "list_invitees": {"parameters": {"id": "$response.body#/id"}},
    },
}


def linked_schema(client):
    """Return the site's description with links between its calls."""
    status, schema = client.get("/api/schema/?format=json")
    assert status == http.HTTPStatus.OK
    for call in (call for path in schema["paths"].values() for call in path.values()):
        for (name, status), links in LINKS.items():
            if f"phone_referrals_{name}" == call["operationId"]:
                call["responses"][status]["links"] = {
                    to: {"operationId": f"phone_referrals_{to}", **how} for to, how in links.items()
                }
    return schema


def token_of(client, phone):
    code = client.post("/api/users/get_verify_code/", {"phone_number": phone})[1]["code"]
    return client.post("/api/users/auth/", {"phone_number": phone, "code": code})[1]["token"]


def fuzz(site, schema, directory, who, token):
    """Start schemathesis as `who`; it writes what it found into `directory`."""
    checks = CHECKS if token else [*CHECKS, "ignored_auth"]
    return subprocess.Popen(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", schema, "--url", site.url),
            *("--checks", ",".join(checks), "--max-examples", str(EXAMPLES[who]), "--continue-on-failure"),
            *("--generation-deterministic", "--no-color", "--warnings", "off", "--request-timeout", "30"),
            *("--report", "json", "--report-json-path", directory / f"{who}.json"),
        ],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "ci.fuzz.hooks",
            "SITE": site.url,
            **({"TOKEN": token, "LAST_DIGITS": "12345678"} if token else {"LAST_DIGITS": "0"}),
        },
        stdout=(directory / f"{who}.log").open("w"),
        stderr=subprocess.STDOUT,
    )


def main():
    requests, failed = 0, False
    with ExitStack() as stack:
        site, _ = stack.enter_context(running_site(PHONE_REFERRALS_SMS_BACKEND="phone_referrals.sms.locmem.SmsBackend"))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        client = Client(site.address)
        schema = directory / "schema.json"
        schema.write_text(json.dumps(linked_schema(client)))
        tokens = {"nobody": None, "somebody": token_of(client, "+12015550199")}
        runs = {who: fuzz(site, schema, directory, who, token) for who, token in tokens.items()}
        for who, process in runs.items():
            code = process.wait()
            report = json.loads((directory / f"{who}.json").read_text())
            sent, wrong = report["test_cases"]["generated"], report["test_cases"]["unique_failures"]
            sys.stdout.write(f"As {who}: {sent:,} requests in {report['running_time']:.0f} s, {wrong} failures\n")
            requests += sent
            rates = report["valid_rates"].values()
            reached = sum(any(phase["accepted"] for phase in phases.values()) for phases in rates)
            sys.stdout.write(
                f"  which reached {reached} of {report['operations']['total']} calls with an answer of 2xx\n"
            )
            # Else a token that has ended would look like a good result.
            failed |= who == "somebody" and reached < report["operations"]["total"] - len(OF_OTHER_KINDS)
            if code:
                failed = True
                sys.stdout.write((directory / f"{who}.log").read_text()[-20_000:])
        errors = [
            line for line in site.log.read_text().splitlines() if line.startswith(("Internal Server", "Service Unav"))
        ]
        sys.stdout.write(f"{requests:,} requests, {len(errors)} of them answered with a 5xx\n")
    return int(failed or bool(errors) or requests < REQUESTS)


if __name__ == "__main__":
    sys.exit(main())
