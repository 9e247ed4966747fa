"""The whole of sign-in against a model that only remembers what happened: one machine, the policy and the database.

The model is a list of messages and a list of judged guesses for each phone; what must come out is worked out from
those lists anew at each step, in the words of the documentation.
"""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil

import pytest
import time_machine
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from phone_referrals.exceptions import DeliveryFailed, PhoneReferralsError
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin import codes
from phone_referrals.signin.codes import Limits, Outcome, State
from phone_referrals.signin.verification import REFUSALS, check_code, request_code
from phone_referrals.sms import BaseSmsBackend, locmem
from tests.codes import wrong

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = 24 * 3600
LIFETIME = 600
DIGITS = 10  # so that no two codes are the same by chance
PHONES = st.sampled_from(["+12015550100", "+12015550101", "+12015550102"])
GATEWAYS = st.sampled_from(["works", "works", "works", "works", "refuses", "times out"])
JUMPS = st.sampled_from([0.25, 1, 29, 30, 60, 299, 300, 301, 599, 600, 3600, DAY - 1, DAY, DAY + LIFETIME, 5 * DAY])
OUTCOMES = {
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


class Phone:
    """What happened to one phone since it was last cleared."""

    def __init__(self):
        self.messages = []  # (time, code) of those that may have arrived
        self.guesses = []  # (time, code that was live, right) of those that were judged
        self.next_message_at = 0

    def wrong_since_success(self):
        verdicts = [right for _, _, right in self.guesses]
        return len(verdicts) - (1 + max((at for at, right in enumerate(verdicts) if right), default=-1))

    def messages_since(self, time):
        return sum(sent > time for sent, _ in self.messages)

    def room_at(self):
        """Return when there is room for one message more."""
        return self.messages[-10][0] + DAY + LIFETIME if len(self.messages) >= 10 else 0

    def guesses_since(self, time):
        return sum(judged > time for judged, _, _ in self.guesses)

    def latest_code(self, now):
        """Return the code in the latest message, its age, and how often it was guessed at; it may have been used."""
        if not self.messages:
            return None, LIFETIME, 0
        code = self.messages[-1][1]
        begun = min(sent for sent, each in self.messages if each == code)
        verdicts = [right for _, live, right in self.guesses if live == code]
        return (None if True in verdicts else code), now - begun, len(verdicts)


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
        outcome, wait, code = self.site.request(number, self.now, gateway)
        assert self.saw(outcome) == expected
        if outcome in {"resend_too_soon", "too_many_messages"}:
            assert wait - 1 < max(phone.next_message_at, phone.room_at()) - self.now <= wait
        elif code:
            self.check_code_of_message(phone, code)
            phone.messages.append((self.now, code))
        if outcome == "sent":
            full = ceil(phone.room_at() - self.now)
            assert max(30, full) <= wait <= max(3600, full)
            phone.next_message_at = self.now + wait if wait > full else self.now
        elif outcome == "delivery_failed":
            phone.next_message_at = self.now
        return wait

    def expected_of_request(self, phone, gateway):
        if phone.wrong_since_success() >= 100:
            return "phone_locked"
        if phone.messages_since(self.now - DAY - LIFETIME) >= 10:
            return "too_many_messages"
        if self.now < phone.next_message_at:
            return "resend_too_soon"
        return "sent" if gateway == "works" else "delivery_failed"

    def check_code_of_message(self, phone, code):
        latest, age, guessed = phone.latest_code(self.now)
        if latest and age < LIFETIME / 2 and guessed < 5:
            assert code == latest, "a message that is sent again must not void the one before"
        else:
            assert code not in {old for _, old in phone.messages}, "a code that is dead or nearly so is not sent again"

    def enter(self, number, code):
        phone = self.phones[number]
        latest, age, guessed = phone.latest_code(self.now)
        if phone.wrong_since_success() >= 100:
            expected = "phone_locked"
        elif latest is None or age >= LIFETIME:
            expected = "code_expired"
        elif guessed >= 5:
            expected = "too_many_guesses"
        else:
            expected = "accepted" if code == latest else "invalid_code"
        assert self.saw(self.site.guess(number, self.now, code)) == expected
        if expected in {"accepted", "invalid_code"}:
            phone.guesses.append((self.now, latest, expected == "accepted"))
        if expected == "accepted":
            phone.next_message_at = self.now

    @rule(number=PHONES, gateway=GATEWAYS)
    def request(self, number, gateway):
        self.ask(number, gateway)

    @rule(number=PHONES, times=st.integers(1, 6))
    def guess_wrong(self, number, times):
        for _ in range(times):
            self.enter(number, self.site.wrong_code(self.phones[number].messages))

    @rule(number=PHONES)
    def enter_the_latest_code(self, number):
        messages = self.phones[number].messages
        self.enter(number, messages[-1][1] if messages else self.site.wrong_code([]))

    @rule(number=PHONES, age=st.integers(2, 4))
    def enter_an_old_code(self, number, age):
        if len(self.phones[number].messages) >= age:
            self.enter(number, self.phones[number].messages[-age][1])

    @rule(number=PHONES, other=PHONES)
    def enter_the_code_of_another_phone(self, number, other):
        if number != other and self.phones[other].messages:
            self.enter(number, self.phones[other].messages[-1][1])

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
            self.guess_wrong(number, 6)
            self.bounds_hold()
            self.now += wait or 0

    @rule(number=PHONES, times=st.sampled_from([1, 2, 11]))
    def sign_in_again_and_again(self, number, times):
        for _ in range(times):
            self.wait_as_long_as_told(number)
            self.ask(number)
            self.enter_the_latest_code(number)

    @rule(number=PHONES, age=st.sampled_from([299.75, 300, 599.75, 600]), again=st.booleans())
    def come_back_later(self, number, age, again):
        self.wait_as_long_as_told(number)
        self.ask(number)
        self.now += age
        if again:
            self.ask(number)
        self.enter_the_latest_code(number)

    @rule(number=PHONES)
    def clear(self, number):
        self.site.clear(number)
        self.phones[number] = Phone()

    @invariant()
    def bounds_hold(self):
        for phone in self.phones.values():
            assert phone.messages_since(self.now - DAY) <= 10
            assert phone.guesses_since(self.now - DAY) <= 50
            assert phone.wrong_since_success() <= 100
            accepted = [code for _, code, right in phone.guesses if right]
            assert len(accepted) == len(set(accepted))


class Policy:
    """`signin/codes.py` alone: states in a dictionary, and serials for codes."""

    limits = Limits(
        lifetime=LIFETIME,
        guesses_per_code=5,
        guesses_per_phone=100,
        messages_per_day=10,
        resend_wait=30,
        resend_wait_max=3600,
    )

    def __init__(self):
        self.states = defaultdict(State)
        self.serials = count(1)

    def request(self, number, now, gateway):
        before = self.states[number]
        decision = codes.on_request(before, now=at(now), limits=self.limits, new_serial=next(self.serials))
        if decision.outcome != Outcome.SEND:
            return REFUSALS[decision.outcome].code, decision.wait, None
        self.states[number] = decision.state
        if gateway == "works":
            return "sent", decision.wait, decision.state.serial
        maybe_sent = gateway == "times out"
        self.states[number] = codes.on_failed_send(
            decision.state, before=before, sent=decision.state, maybe_sent=maybe_sent
        )
        return "delivery_failed", 0, decision.state.serial if maybe_sent else None

    def guess(self, number, now, code):
        state = self.states[number]
        decision = codes.on_guess(state, now=at(now), limits=self.limits, is_right=code == state.serial)
        self.states[number] = decision.state
        if decision.outcome == Outcome.WRONG:
            return "invalid_code"
        return "accepted" if decision.outcome == Outcome.ACCEPTED else REFUSALS[decision.outcome].code

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
        try:
            with time_machine.travel(at(now), tick=False):
                outcome, wait = "sent", request_code(phone_number=number, host="example.com").resend_in
        except PhoneReferralsError as refusal:
            outcome, wait = refusal.code, refusal.retry_after
        code = re.search(r"#(\d+)$", locmem.outbox[0].text)[1] if locmem.outbox else None
        return outcome, wait, code

    def guess(self, number, now, code):
        try:
            with time_machine.travel(at(now), tick=False):
                check_code(phone_number=number, code=code)
        except PhoneReferralsError as refusal:
            return refusal.code
        return "accepted"

    def wrong_code(self, messages):
        return wrong(messages[-1][1]) if messages else "0" * DIGITS

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
    return START + timedelta(seconds=seconds)


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
