"""Two machines, each with two processes of the example site, on one PostgreSQL with a replica, and one Redis.

    python -m ci.scaling        # needs redis-server (Debian: apt-get install redis-server)

Every limit has to be as exact as on one machine, with requests that arrive at both at the same moment. Takes about half
a minute; fails if one is not.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir
from itertools import cycle
from pathlib import Path

import psycopg

from ci.running.site import EXAMPLE, ROOT, Client, Postgres, wait_until
from example_project.postgres import stop

AT_ONCE = 16
US = [f"+1{area}55501{line:02}" for area in (201, 202, 203) for line in range(100)]
CANADA = [f"+1416555{line:04}" for line in range(100, 200)]


class Replica(Postgres):
    """A standby that streams from the primary, and answers questions."""

    def __init__(self, primary, directory):
        self.wheel, self.data = primary.wheel, directory / "replica"
        self.data.mkdir(0o700)
        if self.wheel.system_user:
            shutil.chown(self.data, self.wheel.system_user)
        copy = [self.wheel.bin_path / "pg_basebackup", "-h", primary.data, "-U", self.wheel.postgres_user]
        with chdir(self.data):
            subprocess.run([*copy, "-D", self.data, "-R", "-X", "stream"], user=self.wheel.system_user, check=True)
        (self.data / ".s.PGSQL.5432.lock").unlink()  # The primary's.
        self.url = f"postgresql://{self.wheel.postgres_user}@/postgres?host={self.data}"
        self.start()


class Machine:
    """One of the hosts of the site."""

    def __init__(self, environment, directory, name):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        environment = {**environment, "LISTENER": str(self.listener.fileno()), "SITE_LOG": str(directory / name)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "demo_gunicorn.py"],
            cwd=EXAMPLE,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[self.listener.fileno()],
            start_new_session=True,
        )
        self.address = self.listener.getsockname()
        wait_until(lambda: Client(self.address).get("/api/users/me/")[0] == 401)

    def stop(self):
        stop(self.process)
        self.process.stdin.close()
        self.listener.close()


class Visitors:
    """Send requests to both machines by turns, at once, each by an address of its own unless one is given."""

    def __init__(self, machines):
        self.machines, self.addresses = cycle(machines), (f"10.0.{n // 250}.{n % 250}" for n in range(60_000))

    def send(self, *requests, address=None):
        """Return status and answer of each `(path, body[, token])`; without a body it is a GET."""
        planned = [(next(self.machines), address or next(self.addresses), *each) for each in requests]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda plan: self.call(*plan), planned))

    def call(self, machine, address, path, body=None, token=None):
        client = Client(machine.address, headers={"X-Forwarded-For": address})
        try:
            return client.get(path, token) if body is None else client.post(path, body, token)
        finally:
            client.close()

    def ask(self, *phones):
        return self.send(*[("/api/users/get_verify_code/", {"phone_number": phone}) for phone in phones])

    def sign_in(self, *phones):
        """Return the answers to their codes."""
        codes = [answer["code"] for _, answer in self.ask(*phones)]
        bodies = [{"phone_number": phone, "code": code} for phone, code in zip(phones, codes, strict=True)]
        return [answer for _, answer in self.send(*[("/api/users/auth/", body) for body in bodies])]


def statuses(answers):
    found = [status for status, _ in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def the_limit_of_an_address_is_counted_once_for_all(visitors, primary, replica):
    refused = ("/api/users/get_verify_code/", {"phone_number": "no number"})
    answers = visitors.send(*[refused] * 80, address="192.0.2.1")
    assert statuses(answers) == {400: 30, 429: 50}, statuses(answers)


def a_ceiling_of_twenty_messages_is_twenty(visitors, primary, replica):
    answers = visitors.ask(*CANADA)
    assert statuses(answers) == {200: 20, 503: 80}, statuses(answers)


def a_hundred_guesses_at_once_are_five(visitors, primary, replica):
    [(_, asked)] = visitors.ask(US[0])
    wrong = [f"{(int(asked['code']) + n) % 10**6:06}" for n in range(1, 101)]
    body = {"phone_number": US[0], "request_id": asked["request_id"]}
    answers = visitors.send(*[("/api/users/auth/", {**body, "code": code}) for code in wrong])
    judged = sum(answer.get("code") == "invalid_code" for _, answer in answers)
    assert judged == 5, judged


def a_code_entered_twenty_times_at_once_is_one_sign_in(visitors, primary, replica):
    for phone in US[1:11]:
        [(_, asked)] = visitors.ask(phone)
        body = {"phone_number": phone, "code": asked["code"]}
        answers = visitors.send(*[("/api/users/auth/", body)] * 20)
        assert statuses(answers)[201] == 1, statuses(answers)
    with psycopg.connect(primary.url) as connection:
        query = "SELECT count(*), count(DISTINCT phone_number) FROM accounts_user"
        assert connection.execute(query).fetchone() == (10, 10)


def three_people_cannot_make_a_circle(visitors, primary, replica):
    refused = 0
    for begin in range(20, 80, 3):
        people = visitors.sign_in(*US[begin : begin + 3])
        tokens = [answer["token"] for answer in people]
        codes = [me["referral_code"] for _, me in visitors.send(*[("/api/users/me/", None, each) for each in tokens])]
        entered = [
            ("/api/referrals/referral_code/", {"referral_code": code}, token)
            for code, token in zip(codes, [*tokens[1:], tokens[0]], strict=True)
        ]
        answers = visitors.send(*entered)
        made = statuses(answers).get(201, 0)
        assert made == 2, answers
        # What a request has written, it also shows.
        assert all(answer["referred_by"] for status, answer in answers if status == 201)
        refused += statuses(answers).get(400, 0) + statuses(answers).get(409, 0)
    assert refused == 20, refused


def a_code_of_seven_uses_is_used_seven_times(visitors, primary, replica):
    [owner] = visitors.sign_in(US[100])
    [(_, me)] = visitors.send(("/api/users/me/", None, owner["token"]))
    with psycopg.connect(primary.url) as connection:
        connection.execute(
            "UPDATE phone_referrals_referralcode SET max_uses = 7 WHERE code = %s", [me["referral_code"]]
        )
    people = visitors.sign_in(*US[101:131])
    entered = ("/api/referrals/referral_code/", {"referral_code": me["referral_code"]})
    answers = visitors.send(*[(*entered, each["token"]) for each in people])
    assert statuses(answers)[201] == 7, statuses(answers)


def what_is_only_read_comes_from_the_replica(visitors, primary, replica):
    [reader] = visitors.sign_in(US[140])

    def rows_read():
        """Return how many rows of users and referrals were read by those of the replica's processes that have ended."""
        with psycopg.connect(replica.url) as connection:
            query = (
                "SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = ANY(%s)"
            )
            names = ["accounts_user", "phone_referrals_referral", "phone_referrals_referralcode"]
            return connection.execute(query, [names]).fetchone()[0]

    before = rows_read()
    answers = visitors.send(*[("/api/users/", None, reader["token"])] * 20)
    assert statuses(answers) == {200: 20}
    wait_until(lambda: rows_read() > before)

    def is_there():
        [(_, me)] = visitors.send(("/api/users/", None, reader["token"]))
        return me["results"][0]["id"] == reader["user"]["id"]

    wait_until(is_there, 10)


CHECKS = (
    the_limit_of_an_address_is_counted_once_for_all,
    a_ceiling_of_twenty_messages_is_twenty,
    a_hundred_guesses_at_once_are_five,
    a_code_entered_twenty_times_at_once_is_one_sign_in,
    three_people_cannot_make_a_circle,
    a_code_of_seven_uses_is_used_seven_times,
    what_is_only_read_comes_from_the_replica,
)


def main():
    if not shutil.which("redis-server"):
        sys.exit("This needs redis-server. See .ci/run.")
    with tempfile.TemporaryDirectory(prefix="scaling-") as name, ExitStack() as stack:
        directory = Path(name)
        directory.chmod(0o755)  # The databases' user has to enter it.
        primary = Postgres(directory)
        stack.callback(primary.stop)
        replica = Replica(primary, directory)
        stack.callback(replica.stop)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
        )
        stack.callback(redis.wait)
        stack.callback(redis.terminate)
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{EXAMPLE}",
            "DJANGO_SETTINGS_MODULE": "ci.scaling.settings",
            "DATABASE_URL": primary.url,
            "REPLICA_URL": replica.url,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "NUM_PROXIES": "1",
            "HTTPS": "0",
            "PHONE_REFERRALS_ECHO_CODE": "1",
        }
        migrate = [sys.executable, EXAMPLE / "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, env={**environment, "SITE_LOG": str(directory / "migrate.log")}, check=True)
        machines = [Machine(environment, directory, f"machine-{number}.log") for number in (1, 2)]
        for machine in machines:
            stack.callback(machine.stop)
        visitors = Visitors(machines)
        for number, check in enumerate(CHECKS, 1):
            began = time.monotonic()
            check(visitors, primary, replica)
            print(f"ok {number} - {check.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
