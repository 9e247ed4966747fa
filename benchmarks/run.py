"""Measure this package against a floor and its peers: `make bench`. See docs/topics/benchmarks.md.

Exits with 1 where a figure is missed that must be reached.
"""

import argparse
import itertools
import multiprocessing
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import client
import phonenumbers
import report
import seed
from seed import Seed, code_of, token_of
from server import HERE, Database, Server, cpu_of, memory_of

sys.path.insert(0, str(HERE.parent / "example_project"))
from postgres import exit_on_signals, temporary_postgres

AREAS = [
    area
    for area in range(201, 990)
    if phonenumbers.region_code_for_number(phonenumbers.parse(f"+1{area}5550123")) == "US"
]
CLIENTS = 4
CROWD = 8  # clients, or processes, that enter one code
SIGN_INS = ("new sign-in", "returning sign-in")
READS = {
    "own profile": "/api/users/me/",
    "list of users": "/api/users/",
    "profile with 10,000 invitees": "/api/users/1/",
}
WORKS = (*SIGN_INS, *READS, "enter a code", "enter one influencer's code")
NUMBERS = itertools.count(1)  # of databases
GROWING = (*SIGN_INS, "own profile", "list of users", "enter a code")


class Contender:
    """A server, and who its clients are."""

    def __init__(self, server: Server, *, script: str = "", rows: Seed, works: tuple[str, ...] = WORKS, **steps: str):
        self.server, self.script, self.rows, self.works, self.steps = server, script, rows, works, steps
        self.phones = (f"+1{area}55501{line:02}" for area in AREAS for line in range(100))
        self.signed_up: list[str] = []
        self.returning = rows.phones(AREAS) if script else self.those_who_return()
        self.newcomers = itertools.count(rows.referred + 1)
        self.readers, self.owners = itertools.cycle(rows.readers), itertools.cycle(rows.owners)

    def those_who_return(self) -> Iterator[str]:
        # Nobody so often that the ten messages of a day are used up.
        for _ in range(9):
            number = 0
            while number < len(self.signed_up):
                yield self.signed_up[number]
                number += 1

    def prepare(self) -> None:
        self.server.migrate()
        if self.script:
            with self.server.database.connect(self.server.name) as connection:
                self.rows.load(connection, self.script, AREAS)

    def step(self, work: str) -> str:
        if work in SIGN_INS:
            return self.steps.get("new" if work == "new sign-in" else "returning", "sign_in")
        return "get" if work in READS else "redeem"

    def arguments(self, work: str) -> tuple[str, ...]:
        """Return what a client needs to do a work once."""
        if work == "new sign-in":
            self.signed_up.append(next(self.phones))
            return (self.signed_up[-1],)
        if work == "returning sign-in":
            return (next(self.returning),)
        if work in READS:
            return token_of(next(self.readers)), READS[work]
        return token_of(next(self.newcomers)), code_of(next(self.owners) if work == "enter a code" else 1)


class Bench:
    def __init__(self, database: Database, pool: Any, options: argparse.Namespace) -> None:
        self.database, self.pool, self.options = database, pool, options
        # What each work is done: in every round, in the first that only warms up, and once to count its statements.
        newcomers = 2 * (options.rounds + 1) * options.count + 2 * CROWD
        star = Seed(star=10_000, newcomers=newcomers, users=10_501 + newcomers)
        few = Seed(star=100, newcomers=newcomers, users=501 + newcomers)
        many = Seed(star=10_000, newcomers=newcomers, users=options.users)
        never = {"environment": {"BENCH_CONN_MAX_AGE": "0"}}
        self.contenders = {
            "ours": self.contender("ours", script=seed.OURS, rows=star),
            "control": self.contender("ours", script=seed.OURS, rows=star),
            "floor": self.contender("floor", script=seed.FLOOR, rows=star),
            "raw": self.contender("raw", {"schema": "floor"}, script=seed.FLOOR, rows=star),
            "drfpasswordless": self.contender(
                "drfpasswordless_site",
                {"requirements": ("drfpasswordless",)},
                rows=star,
                works=SIGN_INS,
                new="drfpasswordless",
                returning="drfpasswordless",
            ),
            "allauth": self.contender(
                "allauth_site",
                {"requirements": ("django-allauth[headless]",)},
                rows=star,
                works=SIGN_INS,
                new="allauth_sign_up",
                returning="allauth_sign_in",
            ),
            "empty": self.contender("ours", script=seed.OURS, rows=few, works=GROWING),
            "full": self.contender("ours", script=seed.OURS, rows=many, works=GROWING),
            "reconnecting": self.contender("ours", never, script=seed.OURS, rows=few, works=(*SIGN_INS, "own profile")),
        }
        self.results: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
        self.statements: dict[tuple[str, str], int] = {}
        self.memory: dict[str, tuple[float, float]] = {}
        # Whether commits were durable, and rates of `redeem()` and of the bare insert.
        self.redeems: list[tuple[bool, float, float]] = []

    def contender(self, site: str, server: dict[str, Any] | None = None, **details: Any) -> Contender:
        name = f"{site}_{next(NUMBERS)}"
        return Contender(Server(name=name, site=site, database=self.database, **(server or {})), **details)

    def run(self) -> None:
        for name, contender in self.contenders.items():
            say(f"{name}: {contender.rows.users:,} users" if contender.script else f"{name}: made ready")
            contender.prepare()
        try:
            for contender in self.contenders.values():
                contender.server.start()
            for contender in self.contenders.values():
                contender.server.wait()
            for number in range(self.options.rounds + 1):
                say(f"round {number} of {self.options.rounds}" if number else "warming up")
                self.round(warming_up=not number)
            self.count_statements()
            self.memory = {name: memory_of(contender.server) for name, contender in self.contenders.items()}
        finally:
            for contender in self.contenders.values():
                if hasattr(contender.server, "gunicorn"):
                    contender.server.stop()
        say("redeem() without HTTP")
        self.crowd()

    def round(self, *, warming_up: bool) -> None:
        for work in WORKS:
            names = [name for name, contender in self.contenders.items() if work in contender.works]
            random.shuffle(names)
            for name in names:
                result = self.measure(self.contenders[name], work, self.options.count // (1 + warming_up))
                if not warming_up:
                    self.results[work, name].append(result)

    def measure(self, contender: Contender, work: str, count: int) -> dict[str, float]:
        """Have the clients do a work `count` times; return requests per second, p50 and CPU of each."""
        clients = CROWD if "influencer" in work else CLIENTS
        jobs = [
            (contender.server.port, contender.step(work), [contender.arguments(work) for _ in range(count // clients)])
            for _ in range(clients)
        ]
        app, server = contender.server.process, self.database.process
        before, began = (cpu_of(app), cpu_of(server)), time.perf_counter()
        took = [each for part in self.pool.map(client.run, jobs, chunksize=1) for each in part]
        elapsed, after = time.perf_counter() - began, (cpu_of(app), cpu_of(server))
        of_app, of_server = ((late - early) / len(took) for early, late in zip(before, after, strict=True))
        p50 = statistics.median(took)
        return {"rate": len(took) / elapsed, "p50": p50, "app": of_app, "db": of_server, "cpu": of_app + of_server}

    def count_statements(self) -> None:
        for name, contender in self.contenders.items():
            for work in contender.works:
                job = (contender.server.port, contender.step(work), [contender.arguments(work)])
                with self.database.counted() as statements:
                    client.run(job)
                self.statements[work, name] = len(statements)

    def crowd(self) -> None:
        """Let processes enter one code at once, by `redeem()` and by the bare insert in turn."""
        rounds, each = max(self.options.rounds, 2), self.options.count // 2
        newcomers = 2 * (rounds + 1) * CROWD * each
        rows = Seed(star=100, newcomers=newcomers, users=501 + newcomers)
        contender = self.contender("ours", script=seed.OURS, rows=rows)
        contender.prepare()
        first = itertools.count(rows.referred + 1, each)
        for number in range(rounds + 1):
            is_durable = number % 2 == 0
            self.database.set_durable(is_durable)
            hows = ["redeem", "insert"]
            random.shuffle(hows)
            rates = {how: self.rate_of_crowd(contender.server, how, first, each) for how in hows}
            if number:
                self.redeems.append((is_durable, rates["redeem"], rates["insert"]))

    def rate_of_crowd(self, server: Server, how: str, first: Iterator[int], each: int) -> float:
        processes = [
            subprocess.Popen(
                [sys.executable, HERE / "influencer.py", how, str(next(first)), str(each)],
                env=server.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(CROWD)
        ]
        for process in processes:
            if process.stdout.readline() != "ready\n":
                sys.exit("influencer.py failed")
        began = time.perf_counter()
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        if [process.stdout.readline() for process in processes] != ["done\n"] * CROWD:
            sys.exit("influencer.py failed")
        elapsed = time.perf_counter() - began
        for process in processes:
            process.communicate()
        return CROWD * each / elapsed


def say(text: str) -> None:
    print(f"{time.strftime('%X')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds and 50,000 users: for development")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=64, help="how often a work is done in a round")
    parser.add_argument("--users", type=int, default=1_000_000, help="users of the site that is full")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.count, options.users = 2, 40, 50_000
    exit_on_signals()
    with multiprocessing.get_context("spawn").Pool(CROWD) as pool, temporary_postgres() as url:
        bench = Bench(Database(url), pool, options)
        bench.run()
    text, is_met = report.write(bench)
    print(text)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
