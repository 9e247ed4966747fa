"""What attackers and owners do, and what came of it: for the simulations of this folder."""

import sys
from bisect import bisect_left
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier

from django.db import connections
from django.utils import timezone

from phone_referrals.exceptions import InvalidCode, PhoneReferralsError
from phone_referrals.signin.verification import check_code, request_code

DAY = timedelta(days=1)
THREADS = 4


class Record:
    """When messages were sent and guesses judged. Lists that only grow are safe to append to from any thread."""

    def __init__(self):
        self.messages = []
        self.wrong = []
        self.successes = []
        self.cleared = []
        self.handles = []

    def ask(self, phone):
        """Ask for a code; return the seconds to wait for the next, or why there is none."""
        try:
            sent = request_code(phone_number=phone, host="example.com")
        except PhoneReferralsError as refusal:
            return refusal.code, refusal.retry_after
        self.messages.append(timezone.now())
        self.handles.append(sent.request_id)
        return "sent", sent.resend_in

    def enter(self, phone, code, request_id=""):
        try:
            check_code(phone_number=phone, code=code, request_id=request_id)
        except InvalidCode:
            self.wrong.append(timezone.now())
        except PhoneReferralsError as refusal:
            return refusal.code
        else:
            self.successes.append(timezone.now())
            return "accepted"
        return "invalid_code"

    @property
    def judged(self):
        return self.wrong + self.successes

    def most_wrong_in_a_row(self):
        """Return how many wrong guesses were judged with neither a sign-in nor a clearing in between."""
        ends = sorted([*self.successes, *self.cleared])
        rows = Counter(bisect_left(ends, guess) for guess in self.wrong)
        return max(rows.values(), default=0)


def most_in_24_hours(times):
    times = sorted(times)
    return max((sum(start <= time < start + DAY for time in times) for start in times), default=0)


def wrong_codes(right, number):
    """Return as many codes that are not `right`."""
    return [f"{(int(right) + 1 + step) % 10**6:06}" for step in range(number)]


@contextmanager
def in_parallel():
    """Yield a function that runs calls in threads, whose connections last as long as they do."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda call, arguments: list(pool.map(call, arguments))
        everyone = Barrier(THREADS)

        def leave(_):
            everyone.wait()  # So that no thread leaves twice and none stays.
            connections.close_all()

        list(pool.map(leave, range(THREADS)))


def tell(headline, **figures):
    """Print what was measured, for `pytest -n0 -s`: workers of xdist would keep it."""
    told = ", ".join(f"{name.replace('_', ' ')} {figure:,}" for name, figure in figures.items())
    sys.stdout.write(f"\n{headline}: {told}\n")
