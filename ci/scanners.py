"""Let wapiti and sqlmap loose on the running example site, its pages and its API.

    python -m ci.scanners DIRECTORY        # or `make attack`; DIRECTORY has the two programs

They know how other sites were broken into, and nothing of this one. Fails on what they call a vulnerability, and on any
5xx. Everything stays on this machine; each program is stopped after its minutes, so all takes a quarter of an hour.
"""

import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from ci.running.site import Client, fictional_phones, running_site

MINUTES = 5  # for each of wapiti's three runs, or twice that at the very most; sqlmap has as long for all that it tries
# Those of wapiti that need nothing but the site: no machine of others that the site is to be talked into asking.
MODULES = "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,methods,permanentxss,redirect,shellshock,sql,timesql,xss"
# What it reports and is so by decision: a demo without TLS sets no secure cookies; pages.js reads Django's CSRF cookie.
KNOWN = {"Secure Flag cookie", "HttpOnly Flag cookie", "Unencrypted Channels"}
# The API's tokens are in a header, which no other site can send; its answers are JSON, or DRF's own pages.
KNOWN_OF_THE_API = {"Cross Site Request Forgery", "Content Security Policy Configuration"}
PHONE = "+12015550100"
CALLS = [
    # method, path, body; every value is tried
    ("GET", "/api/users/?cursor=1*", None),
    ("GET", "/api/users/1*/", None),
    ("GET", "/api/users/1*/invitees/?cursor=1*", None),
    ("POST", "/api/users/get_verify_code/", {"phone_number": PHONE, "captcha_token": "x"}),
    ("POST", "/api/users/auth/", {"phone_number": PHONE, "code": "123456", "referral_code": "ABCDEF"}),
    ("POST", "/api/referrals/referral_code/", {"referral_code": "ABCDEF"}),
    ("POST", "/api/users/me/phone/", {"phone_number": PHONE, "code": "123456", "current_code": "123456"}),
    ("POST", "/api/users/me/delete/", {"code": "123456"}),
    ("GET", "/r/ABCDEF*/", None),
    ("GET", "/invitees/?cursor=1*&ref=ABCDEF*", None),
]


def token_of(client, phone):
    code = client.post("/api/users/get_verify_code/", {"phone_number": phone})[1]["code"]
    return client.post("/api/users/auth/", {"phone_number": phone, "code": code})[1]["token"]


def session_of(site, phone):
    """Sign in on the pages, as a person does; return the cookies."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))

    def submit(path, **data):
        page = browser.open(site.url + path).read().decode()
        data["csrfmiddlewaretoken"] = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        return browser.open(site.url + path, urlencode(data).encode()).read().decode()

    page = submit("/sign-in/", phone_number=phone)
    submit("/sign-in/code/", code=re.search(r"\b\d{6}\b", re.sub(r"<[^>]+>", " ", page))[0])
    return "; ".join(f"{each.name}={each.value}" for each in jar)


def wapiti(tools, directory, name, *options):
    """Return what wapiti calls a vulnerability: its kind, where, and by what."""
    report = directory / f"{name}.json"
    # To look around, and for each module.
    limits = ["--max-scan-time", "60", "--max-attack-time", "15", "--max-links-per-page", "50"]
    # Else it would have the site ask a machine of its makers.
    limits += ["--endpoint", options[1], "--dns-endpoint", "localhost"]
    outputs = ["--format", "json", "--output", report, "--store-session", directory / name, "--no-bugreport"]
    command = [tools / "wapiti", *options, "--module", MODULES, "--flush-session", *limits, *outputs]
    with (directory / f"{name}.log").open("w") as log:
        subprocess.run(command, cwd=directory, stdout=log, stderr=log, check=False, timeout=2 * 60 * MINUTES)
    if not report.exists():
        return [f"wapiti, {name}, wrote no report:\n{(directory / f'{name}.log').read_text()[-3000:]}"]
    read = json.loads(report.read_text())
    found = [
        f"{kind}: {each['method']} {each['path']} {each['info']}"
        for kind, all_ in {**read["vulnerabilities"], **read["anomalies"]}.items()
        for each in all_
        if kind not in (KNOWN | KNOWN_OF_THE_API if name == "api" else KNOWN)
    ]
    sys.stdout.write(
        f"wapiti, {name}: {read['infos'].get('crawled_pages_nbr')} pages and calls, {len(found)} findings\n"
    )
    return found


def sqlmap(tools, directory, site, headers, call):
    """Return what sqlmap says of one call, if it could inject anything."""
    method, path, body = call
    sent = ["--method", method, *(["--data", json.dumps(body)] if body else [])]
    command = [
        *(tools / "sqlmap", "--url", site.url + path, *sent, "--headers", "\n".join(headers)),
        *("--batch", "--dbms", "postgresql", "--level", "2", "--ignore-code", "*", "--skip-waf", "--flush-session"),
        *("--disable-coloring", "--output-dir", directory / re.sub(r"\W+", "_", path), "--timeout", "10"),
    ]
    seconds = 2 * 60 * MINUTES // len(CALLS)
    log = directory / f"sqlmap{re.sub(r'[^a-z]+', '-', path)}.log"
    with log.open("w") as output:
        try:
            subprocess.run(command, stdout=output, stderr=output, check=False, timeout=seconds)
            ended = "tried everything"
        except subprocess.TimeoutExpired:
            ended = f"stopped after {seconds} s"
    text = log.read_text()
    # All that it sent was refused, or found nothing, or it has not got that far.
    refused = ", ".join(re.findall(r"\d{3} \([\w ]+\) - \d+ times", text))
    is_harmless = "do not appear to be injectable" in text or ended.startswith("stopped")
    is_found = "identified the following injection point" in text or not is_harmless
    sys.stdout.write(f"sqlmap, {method} {path}: {ended}, {'FOUND' if is_found else 'nothing'}; {refused}\n")
    return [text[-3000:]] if is_found else []


def main():
    tools, found = Path(sys.argv[1]).absolute(), []
    with ExitStack() as stack:
        locmem = "phone_referrals.sms.locmem.SmsBackend"
        site, _ = stack.enter_context(running_site(PHONE_REFERRALS_SMS_BACKEND=locmem))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-")))
        client, phones = Client(site.address), fictional_phones()
        schema = directory / "schema.json"
        schema.write_text(json.dumps({**client.get("/api/schema/?format=json")[1], "servers": [{"url": site.url}]}))
        authorization = f"Authorization: Token {token_of(client, next(phones))}"
        cookie = f"Cookie: {session_of(site, next(phones))}"
        # Neither signs itself out.
        ends = [word for path in ("sign-out/", "sign-out/everywhere/") for word in ("--exclude", f"{site.url}/{path}")]
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(wapiti, tools, directory, "nobody", "--url", f"{site.url}/"),
                pool.submit(wapiti, tools, directory, "somebody", "--url", f"{site.url}/", "--header", cookie, *ends),
                pool.submit(
                    *(wapiti, tools, directory, "api", "--url", f"{site.url}/api/", "--swagger", str(schema)),
                    *("--header", authorization, "--exclude", f"{site.url}/api/users/logout*"),
                ),
                *(pool.submit(sqlmap, tools, directory, site, [authorization, cookie], call) for call in CALLS),
            ]
        found = [each for run in runs for each in run.result()]
        errors = [line for line in site.log.read_text().splitlines() if line.startswith(("Internal S", "Service U"))]
    sys.stdout.write("\n".join([*found, *sorted(set(errors))]))
    sys.stdout.write(f"\n{len(found)} findings, {len(errors)} answers of 5xx\n")
    return int(bool(found or errors))


if __name__ == "__main__":
    sys.exit(main())
