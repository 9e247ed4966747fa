"""Kill the workers that send messages, again and again, and count what reaches the phones.

    python -m ci.faults.workers

starts the example site with gunicorn, PostgreSQL, a queue, two `manage.py db_worker` and a gateway that takes its time.
Every code that the site has promised has to arrive, or its visitor may ask for another: those a worker was killed with
while it asked the gateway, of which nobody knows. None arrives twice, and no more arrive than the ceilings counted.
Takes about a minute; fails otherwise.
"""

import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice

import psycopg

from ci.running.gateway import Gateway
from ci.running.site import Client, fictional_phones, running_site, wait_until

PHONES = 80
LEASE = 5  # seconds, in place of a minute; the gateway answers within 3, or not at all
WORKER = f"""
import django
django.setup()
from django.core.management import call_command
from phone_referrals.signin import tasks
tasks.LEASE = {LEASE}
call_command("db_worker", interval=0.05, startup_delay=False, verbosity=0)
"""


class Workers:
    """Two workers, of which one is killed and another started, as often as asked."""

    def __init__(self, site):
        self.environment, self.killed = site.environment, 0
        self.processes = [self.start() for _ in range(2)]

    def start(self):
        return subprocess.Popen([sys.executable, "-c", WORKER], env=self.environment, stderr=subprocess.DEVNULL)

    def kill_one(self):
        worker = self.processes.pop(0)
        worker.kill()
        worker.wait()
        self.killed += 1
        self.processes.append(self.start())

    def stop(self):
        for worker in self.processes:
            worker.kill()
            worker.wait()


def ask(site, phones):
    """Ask for codes, ten a second; return the phones that the site has promised one."""
    promised, client = set(), Client(site.address)
    for phone in phones:
        status, _ = client.post("/api/users/get_verify_code/", {"phone_number": phone})
        if status == 200:
            promised.add(phone)
        time.sleep(0.1)
    return promised


def ask_for(postgres, statement):
    with psycopg.connect(postgres.url) as connection:
        return [row[0] for row in connection.execute(statement)]


def waiting(postgres):
    return ask_for(postgres, "SELECT count(*) FROM phone_referrals_queuedcode")[0]


def free(postgres):
    """Return the phones that may ask for another code at once."""
    statement = "SELECT phone_number FROM phone_referrals_phoneverification WHERE resend_at IS NULL"
    return set(ask_for(postgres, statement))


def counted(postgres):
    return ask_for(postgres, "SELECT coalesce(sum(sent), 0) FROM phone_referrals_smsusage WHERE region <> ''")[0]


@contextmanager
def nothing(workers, gateway):
    yield


@contextmanager
def killed(workers, gateway):
    """Kill one now and then, while `yield` lasts."""
    chance, over = random.Random(7), False

    def kill():
        while not over:
            time.sleep(chance.uniform(1.2, 2))  # A worker takes a second to start.
            workers.kill_one()

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            yield
        finally:
            over = True
        killing.result()


@contextmanager
def refused(workers, gateway):
    """Let the gateway refuse for a while."""

    def refuse():
        time.sleep(3)
        gateway.mode = "raises"
        time.sleep(5)
        gateway.mode = "works"

    with ThreadPoolExecutor(1) as pool:
        pool.submit(refuse)
        yield


def main():
    os.environ["PHONE_REFERRALS_SMS_QUEUE"] = "1"
    gateway, phones, failed, total = Gateway(), fictional_phones(), False, 0
    gateway.delay = 0.04
    line = "{:<22} {:>9} {:>9} {:>6} {:>9} {:>6} {:>8}\n"
    sys.stdout.write(line.format("fault", "promised", "messages", "kills", "ask again", "lost", "doubled"))
    with running_site(GATEWAY=gateway.url) as (site, postgres), ExitStack() as stack:
        for fault in (nothing, killed, refused):
            workers = Workers(site)
            stack.callback(workers.stop)
            gateway.messages.clear()
            with fault(workers, gateway):
                promised = ask(site, islice(phones, PHONES))
            wait_until(lambda: not waiting(postgres))
            workers.stop()
            arrived = gateway.messages
            missing, before = promised - arrived.keys(), total
            again = missing & free(postgres)
            lost, total = len(missing - again), counted(postgres)
            doubled = sum(number - 1 for number in arrived.values())
            figures = len(promised), arrived.total(), workers.killed, len(again), lost, doubled
            sys.stdout.write(line.format(fault.__name__, *figures))
            sys.stdout.flush()
            failed |= lost > 0 or doubled > 0 or len(promised) < PHONES
            failed |= len(again) > workers.killed or arrived.total() > total - before
            failed |= fault is killed and workers.killed < 5
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
