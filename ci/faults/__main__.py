"""Break what the site stands on while people use it, and look for what was lost.

    python -m ci.faults

starts the example site with gunicorn and PostgreSQL, and an SMS gateway of its own. It kills and cuts off each of them
under load, and checks after each fault that the site recovers by itself and that every answer it gave still holds.
Takes about two minutes; fails if anything was lost.
"""

import random
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import psycopg

from ci.running.gateway import Gateway
from ci.running.site import Client, fictional_phones, running_site, wait_until

USERS = 8  # threads that play people
MESSAGES_PER_DAY = 10
CODE_DIGITS = 10  # so that no two codes of a phone are the same by chance
RECOVERY = 20  # seconds
ROUND = 5  # seconds of load before a fault, and again after it


@dataclass
class Answers:
    """What people were told, by all threads: a lock for the few things that are more than one step."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    statuses: Counter = field(default_factory=Counter)
    tokens: dict = field(default_factory=dict)  # phone: token
    accepted: Counter = field(default_factory=Counter)  # (phone, code): sign-ins
    wrong: Counter = field(default_factory=Counter)  # phone: guesses answered as wrong
    referrers: dict = field(default_factory=dict)  # user: referrer
    members: list = field(default_factory=list)  # (token, referral code) of who signed in

    def saw(self, status):
        with self.lock:
            self.statuses[status] += 1

    @property
    def failures(self):
        # 503 is what a visitor is told while the gateway fails; it is a failure of theirs, too.
        return sum(number for status, number in self.statuses.items() if status == 0 or status >= 500)


class Load:
    """People who sign in, guess and redeem, until they are told to stop."""

    def __init__(self, site, answers, phones):
        self.site, self.answers, self.phones = site, answers, phones
        self.phones_lock = threading.Lock()
        self.stopped = threading.Event()

    @contextmanager
    def running(self):
        self.stopped.clear()
        with ThreadPoolExecutor(USERS) as pool:
            people = [pool.submit(self.live, seed) for seed in range(USERS)]
            try:
                yield
            finally:
                self.stopped.set()
        for person in people:
            person.result()

    def live(self, seed):
        chance = random.Random(seed)
        clients = [Client(self.site.address, self.answers.saw) for _ in range(3)]
        with ThreadPoolExecutor(3) as at_once:
            while not self.stopped.is_set():
                what = chance.choices([self.sign_in, self.guess, self.redeem], weights=[5, 1, 3])[0]
                what(clients, chance, at_once)

    def new_phone(self):
        with self.phones_lock:
            return next(self.phones)

    def ask(self, client, phone):
        status, answer = client.post("/api/users/get_verify_code/", {"phone_number": phone})
        return answer["code"] if status == 200 else None

    def enter(self, client, phone, code):
        """Enter a code, and again if no answer came, as people do."""
        for _ in range(2):
            status, answer = client.post("/api/users/auth/", {"phone_number": phone, "code": code})
            with self.answers.lock:
                if status in {200, 201}:
                    self.answers.accepted[phone, code] += 1
                    self.answers.tokens[phone] = answer["token"]
                elif answer.get("code") == "invalid_code":
                    self.answers.wrong[phone] += 1
            if 0 < status < 500:
                break
        return status in {200, 201}

    def sign_in(self, clients, chance, at_once):
        """Sign up, and sometimes in again and again; the code is entered twice at the same moment."""
        phone = self.new_phone()
        for _ in range(chance.choice([1, 1, 1, 12])):
            code = self.ask(clients[0], phone)
            if code is None:
                return
            entered = list(at_once.map(self.enter, clients[:2], [phone] * 2, [code] * 2))
            if not any(entered):
                return
        token = self.answers.tokens[phone]
        status, me = clients[0].get("/api/users/me/", token)
        if status == 200:
            self.answers.members.append((token, me["referral_code"]))

    def guess(self, clients, chance, at_once):
        """Guess at a new phone's code, from many sides: its owner never signs in, so every guess is still counted."""
        phone = self.new_phone()
        code = self.ask(clients[0], phone)
        if code is None:
            return
        wrong = [f"{(int(code) + number) % 10**CODE_DIGITS:0{CODE_DIGITS}}" for number in range(1, 4)]
        for _ in range(4):
            list(at_once.map(self.enter, clients, [phone] * 3, wrong))

    def redeem(self, clients, chance, at_once):
        """Three people enter each other's codes at the same moment: two may, the third would close a circle."""
        members = self.answers.members[-200:]
        if len(members) < 3:
            return
        circle = chance.sample(members, 3)
        pairs = list(pairwise([*circle, circle[0]]))

        def enter(client, pair):
            (token, _), (_, code) = pair
            status, profile = client.post("/api/referrals/referral_code/", {"referral_code": code}, token)
            if status == 201:
                self.answers.referrers[profile["id"]] = profile["referred_by"]["id"]

        list(at_once.map(enter, clients, pairs))

    def recovers(self):
        """Return whether somebody new can sign in."""
        client = Client(self.site.address)
        phone = self.new_phone()
        code = self.ask(client, phone)
        return code is not None and self.enter(client, phone, code)


def losses(site, postgres, gateway, answers):
    """Return whatever the site has told somebody that does not hold, and whatever must not be."""
    lost = defaultdict(int)
    with ThreadPoolExecutor(4) as pool:
        clients = threading.local()

        def works(phone, token):
            client = vars(clients).setdefault("client", Client(site.address))
            status, me = client.get("/api/users/me/", token)
            return status == 200 and me["phone_number"] == phone

        lost["tokens that do not work"] = sum(
            not each for each in pool.map(works, answers.tokens, answers.tokens.values())
        )
    lost["codes accepted twice"] = sum(number > 1 for number in answers.accepted.values())
    with psycopg.connect(postgres.url) as connection:
        # The tables themselves: an index that a fault has damaged hides its doubles from whoever reads by it.
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            connection.execute(f"SET enable_{kind} = off")

        def rows(sql):
            return connection.execute(sql).fetchall()

        lost["phones of two users"] = len(rows("SELECT phone_number FROM accounts_user GROUP BY 1 HAVING count(*) > 1"))
        guesses = dict(rows("SELECT phone_number, wrong_guesses_since_success FROM phone_referrals_phoneverification"))
        edges = rows("SELECT referred_id, referrer_id FROM phone_referrals_referral")
        counted = rows("SELECT sum(sent) FROM phone_referrals_smsusage")[0][0] or 0
    referrers = dict(edges)
    lost["users of two referrers"] = len(edges) - len(referrers)
    lost["circles"] = sum(in_circle(user, referrers) for user in referrers)
    lost["referrals forgotten"] = sum(referrers.get(user) != by for user, by in answers.referrers.items())
    lost["guesses forgotten"] = sum(max(0, number - guesses.get(phone, 0)) for phone, number in answers.wrong.items())
    lost["guesses over the limit"] = sum(max(0, number - 10) for number in answers.wrong.values())
    # Who cannot be served is told so: 503. A 500 is a fault of the program.
    lost["answers of 500"] = answers.statuses[500]
    with gateway.lock:
        messages = Counter(gateway.messages)
    lost["messages over the limit"] = sum(max(0, number - MESSAGES_PER_DAY) for number in messages.values())
    lost["messages not counted"] = max(0, messages.total() - counted)
    return {name: number for name, number in lost.items() if number}


def in_circle(user, referrers):
    seen = set()
    while user is not None and user not in seen:
        seen.add(user)
        user = referrers.get(user)
    return user is not None


def faults(site, postgres, gateway):
    """Return each fault: its name, and what begins and ends it."""

    def gateway_that(mode):
        return (lambda: setattr(gateway, "mode", mode), lambda: setattr(gateway, "mode", "works"))

    def kill_workers_again_and_again():
        for _ in range(3):
            site.kill_workers()
            time.sleep(1)

    return {
        "none": (lambda: None, lambda: None),
        "gateway raises": gateway_that("raises"),
        "gateway hangs": gateway_that("hangs"),
        "gateway answers garbage": gateway_that("garbage"),
        "PostgreSQL killed": (postgres.kill, postgres.start),
        "PostgreSQL killed again": (postgres.kill, postgres.start),
        "workers killed": (site.kill_workers, lambda: None),
        "workers killed thrice": (kill_workers_again_and_again, lambda: None),
    }


def main():
    gateway, phones = Gateway(), fictional_phones()
    failed = False
    line = "{:<26} {:>9} {:>9} {:>11}  {}\n"
    sys.stdout.write(line.format("fault", "requests", "failures", "recovery", "losses"))
    with running_site(GATEWAY=gateway.url, CODE_DIGITS=str(CODE_DIGITS)) as (site, postgres):
        for name, (begin, end) in faults(site, postgres, gateway).items():
            answers = Answers()
            load = Load(site, answers, phones)
            with load.running():
                time.sleep(ROUND)
                begin()
                time.sleep(ROUND / 2)
                end()
                recovery = wait_until(load.recovers, RECOVERY)
                time.sleep(ROUND / 2)
            lost = losses(site, postgres, gateway, answers)
            told = ", ".join(f"{number} {what}" for what, number in lost.items()) or "0"
            requests = answers.statuses.total()
            sys.stdout.write(line.format(name, requests, answers.failures, f"{recovery:.2f} s", told))
            sys.stdout.flush()
            # Who breaks nothing must find nothing broken; and a load of a few requests would show nothing.
            failed |= bool(lost) or requests < 100 or (name == "none" and answers.failures > 0)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
