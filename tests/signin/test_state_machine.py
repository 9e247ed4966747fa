"""The whole of sign-in against a model that only remembers what happened: one machine, the policy and the database.

The model is a list of messages and a list of judged guesses for each phone; what must come out is worked out from
those lists anew at each step, in the words of the documentation.
"""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import count
from math import ceil
from typing import NamedTuple

import pytest
import time_machine
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from phone_referrals.exceptions import DeliveryFailed, PhoneReferralsError
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import policy
from phone_referrals.signin.models import State
from phone_referrals.signin.policy import Failure, Limits, Outcome
from phone_referrals.signin.verification import REFUSALS, check_code, request_code
from phone_referrals.sms import BaseSmsBackend, locmem
from tests.codes import wrong

START = datetime(2030, 1, 1, 12, tzinfo=UTC).timestamp()
DAY = 24 * 3600
LIFETIME = 600
DIGITS = 10  # so that no two codes are the same by chance
PHONES = st.sampled_from(["+12015550100", "+12015550101", "+12015550102"])
GATEWAYS = st.sampled_from(["works", "works", "works", "works", "refuses", "times out"])
JUMPS = st.sampled_from([0.25, 1, 29, 30, 60, 299, 300, 301, 599, 600, 3600, DAY - 1, DAY, DAY + LIFETIME, 5 * DAY])
AGES = st.sampled_from([0, 1, 1, 2])  # of the message whose handle is sent; 0: none
OUTCOMES = {
    "by its client",
    "without a handle",
    "sent",
    "resend_too_soon",
    "too_many_messages",
    "delivery_failed",
    "accepted",
    "invalid_code",
    "code_expired",
    "too_many_guesses",
    "phone_locked",
}


class Message(NamedTuple):
    """A message that may have arrived. Its client has a handle, unless the request was answered with a failure."""

    sent_at: float
    code: object
    handle: object


class Phone:
    """What happened to one phone since it was last cleared."""

    def __init__(self):
        self.messages = []
        self.guesses = []  # (time, code that was live, right, handle of the message whose guess it was)
        self.next_message_at = 0
        self.refused = 0  # messages in a row

    def since_success(self):
        """Return the guesses since the last right one."""
        last = max((at for at, (_, _, right, _) in enumerate(self.guesses) if right), default=-1)
        return self.guesses[last + 1 :]

    def messages_since(self, time):
        return sum(each.sent_at > time for each in self.messages)

    def room_at(self):
        """Return when there is room for one message more."""
        return self.messages[-10].sent_at + DAY + LIFETIME if len(self.messages) >= 10 else 0

    def guesses_since(self, time):
        return sum(judged > time for judged, *_ in self.guesses)

    def latest_code(self, now):
        """Return the code in the latest message and its age; it may have been used."""
        if not self.messages:
            return None, LIFETIME
        code = self.messages[-1].code
        begun = min(each.sent_at for each in self.messages if each.code == code)
        return (None if any(right for _, live, right, _ in self.guesses if live == code) else code), now - begun

    def owned(self, handle, now):
        """Return `handle`, if its message brought the live code."""
        code, _ = self.latest_code(now)
        return handle if any(each.handle == handle and each.code == code for each in self.messages) else None

    def guesses_left(self, handle, now):
        """Return how many guesses are judged: with the handle of a live message, or without one."""
        since_success = self.since_success()
        left = 100 - len(since_success)
        if handle is not None:
            return min(left, 5 - sum(each == handle for *_, each in self.guesses))
        of_day = sum(each is None and now - judged < DAY for judged, _, _, each in self.guesses)
        return min(left, 10 - of_day, 20 - sum(each is None for *_, each in since_success))


class SignIn(RuleBasedStateMachine):
    """Requests, guesses, clocks and gateways in any order. `site` is what is tested."""

    seen: Counter

    def __init__(self, site):
        super().__init__()
        self.site = site
        self.now = 0
        self.phones = defaultdict(Phone)

    def saw(self, outcome):
        self.seen[outcome] += 1
        return outcome

    def ask(self, number, gateway="works"):
        phone = self.phones[number]
        expected = self.expected_of_request(phone, gateway)
        outcome, wait, code, handle = self.site.request(number, self.now, gateway)
        assert self.saw(outcome) == expected
        if outcome in {"resend_too_soon", "too_many_messages"}:
            assert wait - 1 < max(phone.next_message_at, phone.room_at()) - self.now <= wait
        elif code:
            self.check_code_of_message(phone, code)
            phone.messages.append(Message(self.now, code, handle))
        if outcome == "sent":
            full = ceil(phone.room_at() - self.now)
            assert max(30, full) <= wait <= max(3600, full)
            phone.next_message_at = self.now + wait if wait > full else self.now
            phone.refused = 0
        elif outcome == "delivery_failed" and gateway == "refuses":
            phone.refused += 1
            assert wait == max(min(30 * 2 ** (phone.refused - 1), 3600), ceil(phone.room_at() - self.now))
            phone.next_message_at = self.now + min(30 * 2 ** (phone.refused - 1), 3600)
        elif outcome == "delivery_failed":
            phone.next_message_at, phone.refused = self.now, 0
            self.now += 0.25  # Two messages of one moment would have one handle.
        return wait

    def expected_of_request(self, phone, gateway):
        if len(phone.since_success()) >= 100:
            return "phone_locked"
        if phone.messages_since(self.now - DAY - LIFETIME) >= 10:
            return "too_many_messages"
        if self.now < phone.next_message_at:
            return "resend_too_soon"
        return "sent" if gateway == "works" else "delivery_failed"

    def check_code_of_message(self, phone, code):
        latest, age = phone.latest_code(self.now)
        if latest and age < LIFETIME / 2:
            assert code == latest, "a message that is sent again must not void the one before"
        else:
            old = {each.code for each in phone.messages}
            assert code not in old, "a code that is dead or nearly so is not sent again"

    def enter(self, number, code, handle=None):
        phone = self.phones[number]
        latest, age = phone.latest_code(self.now)
        owned = phone.owned(handle, self.now)
        if len(phone.since_success()) >= 100:
            expected = "phone_locked"
        elif latest is None or age >= LIFETIME:
            expected = "code_expired"
        elif phone.guesses_left(owned, self.now) <= 0:
            expected = "too_many_guesses"
        else:
            expected = "accepted" if code == latest else "invalid_code"
        outcome, left = self.site.guess(number, self.now, code, handle)
        assert self.saw(outcome) == expected
        if expected in {"accepted", "invalid_code"}:
            phone.guesses.append((self.now, latest, expected == "accepted", owned))
            self.seen["by its client" if owned else "without a handle"] += 1
        if expected == "invalid_code":
            assert left == phone.guesses_left(owned, self.now)
        if expected == "accepted":
            phone.next_message_at = self.now
            phone.refused = 0

    def handle_of(self, number, age):
        """Return the handle of an earlier message, or `None` where there are not so many."""
        messages = self.phones[number].messages
        return messages[-age].handle if age and len(messages) >= age else None

    @rule(number=PHONES, gateway=GATEWAYS)
    def request(self, number, gateway):
        self.ask(number, gateway)

    @rule(number=PHONES, times=st.integers(1, 11), age=AGES)
    def guess_wrong(self, number, times, age):
        for _ in range(times):
            self.enter(number, self.site.wrong_code(self.phones[number].messages), self.handle_of(number, age))

    @rule(number=PHONES, age=AGES)
    def enter_the_latest_code(self, number, age):
        messages = self.phones[number].messages
        code = messages[-1].code if messages else self.site.wrong_code([])
        self.enter(number, code, self.handle_of(number, age))

    @rule(number=PHONES, age=st.integers(2, 4))
    def enter_an_old_code(self, number, age):
        if len(self.phones[number].messages) >= age:
            self.enter(number, self.phones[number].messages[-age].code, self.handle_of(number, age))

    @rule(number=PHONES, other=PHONES)
    def enter_code_and_handle_of_another_phone(self, number, other):
        if number != other and self.phones[other].messages:
            self.enter(number, self.phones[other].messages[-1].code, self.handle_of(other, 1))

    @rule(seconds=JUMPS)
    def wait(self, seconds):
        self.now += seconds

    @rule(number=PHONES)
    def wait_as_long_as_told(self, number):
        self.now = max(self.now, self.phones[number].next_message_at)

    @rule(number=PHONES, gateway=GATEWAYS, times=st.sampled_from([2, 5, 11, 22]))
    def attack_as_fast_as_allowed(self, number, gateway, times):
        for _ in range(times):
            wait = self.ask(number, gateway)
            self.guess_wrong(number, 6, 1)
            self.guess_wrong(number, 11, 0)
            self.bounds_hold()
            self.now += wait or 0

    @rule(number=PHONES, times=st.sampled_from([1, 2, 11]))
    def sign_in_again_and_again(self, number, times):
        for _ in range(times):
            self.wait_as_long_as_told(number)
            self.ask(number)
            self.enter_the_latest_code(number, 1)

    @rule(number=PHONES, age=st.sampled_from([299.75, 300, 599.75, 600]), again=st.booleans())
    def come_back_later(self, number, age, again):
        self.wait_as_long_as_told(number)
        self.ask(number)
        self.now += age
        if again:
            self.ask(number)
        self.enter_the_latest_code(number, 1)

    @rule(number=PHONES)
    def clear(self, number):
        self.site.clear(number)
        self.phones[number] = Phone()

    @invariant()
    def bounds_hold(self):
        for phone in self.phones.values():
            assert phone.messages_since(self.now - DAY) <= 10
            assert phone.guesses_since(self.now - DAY) <= 60
            assert len(phone.since_success()) <= 100
            accepted = [code for _, code, right, _ in phone.guesses if right]
            assert len(accepted) == len(set(accepted))


class Policy:
    """`signin/codes.py` alone: states in a dictionary, and serials for codes."""

    limits = Limits(
        lifetime=LIFETIME,
        messages_per_day=10,
        resend_wait=(30, 3600),
    )

    def __init__(self):
        self.states = defaultdict(State)
        self.serials = count(1)

    def request(self, number, now, gateway):
        before = self.states[number]
        decision = policy.on_request(before, now=at(now), limits=self.limits, new_serial=next(self.serials))
        if decision.outcome != Outcome.SEND:
            return REFUSALS[decision.outcome].code, decision.wait, None, None
        state = self.states[number] = decision.state
        if gateway == "works":
            # Not its place: those before it may stop counting.
            return "sent", decision.wait, state.serial, (state.serial, at(now))
        failure = Failure.UNKNOWN if gateway == "times out" else Failure.REFUSED
        failed = policy.on_failed_send(
            state, sent_at=at(now), before=before, failure=failure, now=at(now), limits=self.limits
        )
        self.states[number] = failed.state
        return "delivery_failed", failed.wait, state.serial if failure == Failure.UNKNOWN else None, None

    def guess(self, number, now, code, handle):
        state = self.states[number]
        own = [place for place, each in enumerate(state.sent_at) if (state.serial, each.sent_at) == handle]
        is_right = code == state.serial
        decision = policy.on_guess(state, now=at(now), limits=self.limits, is_right=is_right, own=own)
        self.states[number] = decision.state
        if decision.outcome == Outcome.WRONG:
            return "invalid_code", decision.guesses_left
        return "accepted" if decision.outcome == Outcome.ACCEPTED else REFUSALS[decision.outcome].code, None

    def wrong_code(self, messages):
        return 0

    def clear(self, number):
        self.states[number] = State()


class Database:
    """The domain functions on the database, with a gateway that does as it is told."""

    def __init__(self):
        PhoneVerification.objects.all().delete()
        SmsUsage.objects.all().delete()

    def request(self, number, now, gateway):
        locmem.outbox.clear()
        Gateway.state = gateway
        handle = None
        try:
            with time_machine.travel(at(now), tick=False):
                sent = request_code(phone_number=number, host="example.com")
            outcome, wait, handle = "sent", sent.resend_in, sent.request_id
        except PhoneReferralsError as refusal:
            outcome, wait = refusal.code, refusal.retry_after
        code = re.search(r"#(\d+)$", locmem.outbox[0].text)[1] if locmem.outbox else None
        return outcome, wait, code, handle

    def guess(self, number, now, code, handle):
        try:
            with time_machine.travel(at(now), tick=False):
                check_code(phone_number=number, code=code, request_id=handle or "junk")
        except PhoneReferralsError as refusal:
            return refusal.code, refusal.extra.get("guesses_left")
        return "accepted", None

    def wrong_code(self, messages):
        return wrong(messages[-1].code) if messages else "0" * DIGITS

    def clear(self, number):
        PhoneVerification.objects.filter(phone_number=number).clear()


class Gateway(BaseSmsBackend):
    state = "works"

    def send(self, message):
        if self.state == "refuses":
            raise DeliveryFailed
        locmem.outbox.append(message)
        if self.state == "times out":
            raise TimeoutError


def at(seconds):
    return START + seconds


def run(site, *, examples, steps):
    """Run the same examples each time, and make sure that they went everywhere."""

    class Machine(SignIn):
        seen = Counter()

    options = hypothesis_settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None
    )
    run_state_machine_as_test(lambda: Machine(site()), settings=options)
    assert set(Machine.seen) == OUTCOMES
    return Machine.seen


def test_the_policy_does_as_the_model():
    seen = run(Policy, examples=100, steps=60)
    assert seen.total() > 10_000


@pytest.mark.django_db
def test_the_database_does_as_the_model(settings):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.Gateway"
    settings.PHONE_REFERRALS_CODE_DIGITS = DIGITS
    run(Database, examples=8, steps=40)
