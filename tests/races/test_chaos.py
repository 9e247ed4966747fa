"""All calls at once, by clients that know nothing of each other, while users and what they have come and go."""

import random
import time
import traceback
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from phone_referrals.exceptions import PhoneReferralsError
from phone_referrals.models import PhoneVerification, ReferralCode, UserSession
from phone_referrals.referrals import codes

pytestmark = pytest.mark.django_db(transaction=True)

PHONES = [f"+1201555010{number}" for number in range(6)]
CODE = "314159"
CLIENTS = 4
REQUESTS = 40
KINDS = ["DRFTokenIssuer", "knox.KnoxTokenIssuer", "jwt.JWTIssuer", "session.SessionIssuer"]

CALLS = [
    ("get", "users/"),
    ("get", "users/me/"),
    ("get", "users/{user}/"),
    ("get", "users/{user}/invitees/"),
    ("get", "referrals/"),
    ("get", "referrals/invitees/"),
    ("get", "users/me/sessions/"),
    ("post", "referrals/referral_code/"),
    ("post", "users/get_verify_code/"),
    ("post", "users/auth/"),
    ("post", "users/auth/"),
    ("post", "users/me/phone/get_verify_code/"),
    ("post", "users/me/phone/"),
    ("post", "users/me/get_verify_code/"),
    ("post", "users/me/delete/"),
    ("post", "users/me/sessions/end_others/"),
    ("post", "users/logout/"),
    ("post", "users/logout_all/"),
]
SIGN_IN = [("post", "users/get_verify_code/"), ("post", "users/auth/")]
PAGES = [
    ("get", ""),
    ("get", "invitees/"),
    ("get", "r/{code}/"),
    ("post", ""),
    ("post", "sign-in/"),
    ("post", "sign-in/code/"),
    ("post", "sign-in/code/"),
    ("post", "sign-in/code/again/"),
    ("post", "sign-out/"),
    ("post", "sign-out/everywhere/"),
]
SIGN_IN_PAGES = [("post", "sign-in/"), ("post", "sign-in/code/")]


def some(rows, dice, name, default):
    """Return a column of any of the rows, or a default."""
    values = list(rows.values_list(name, flat=True))
    return dice.choice(values) if values else default


def data_of(dice):
    phone = dice.choice(PHONES)
    code = some(ReferralCode.objects, dice, "code", "A0")
    return {"phone_number": phone, "code": CODE, "current_code": CODE, "referral_code": code}


class Api:
    """A client of the API, which keeps the token that it was given last."""

    def __init__(self, dice):
        self.client, self.dice, self.status = APIClient(), dice, 401

    def call(self):
        """Make a call: of those for anybody, where the last one was answered 401."""
        data, signs_in = data_of(self.dice), self.status == 401
        for method, path in SIGN_IN if signs_in else [self.dice.choice(CALLS)]:
            address = "/api/" + path.format(user=some(get_user_model().objects, self.dice, "pk", 0))
            answer = getattr(self.client, method)(address, data if method == "post" else None)
            if path == "users/auth/" and answer.status_code < 300 and answer.json()["token"]:
                self.client.credentials(HTTP_AUTHORIZATION=f"{answer.json()['token_type']} {answer.json()['token']}")
            self.status = 0 if signs_in else answer.status_code
            yield answer.status_code


class Browser:
    """A browser on the pages."""

    def __init__(self, dice):
        self.client, self.dice, self.must_sign_in = Client(), dice, True

    def call(self):
        """Send a form or look at a page; sign in, where the last one led there."""
        data = data_of(self.dice)
        for method, path in SIGN_IN_PAGES if self.must_sign_in else [self.dice.choice(PAGES)]:
            address = "/" + path.format(code=data["referral_code"])
            answer = getattr(self.client, method)(address, data if method == "post" else None)
            self.must_sign_in = not self.must_sign_in and "sign-in" in answer.get("Location", "")
            yield answer.status_code


def upset(dice):
    """Do to a site what its staff, its own code and its cron jobs do to it."""
    users = get_user_model().objects
    user = users.order_by("?").first()
    phone = dice.choice(PHONES)
    acts = [
        lambda: user and user.delete(),
        lambda: user and users.filter(pk=user.pk).delete(),
        lambda: user and codes.rotate(user),
        lambda: users.create(phone_number=None if users.filter(phone_number=phone).exists() else phone),
        lambda: users.filter(phone_number=phone).update(is_active=dice.random() < 0.8),
        lambda: users.filter(phone_number=phone).update(phone_number=None),
        lambda: ReferralCode.objects.update(is_disabled=dice.random() < 0.2),
        lambda: ReferralCode.objects.order_by("?").first().delete(),
        lambda: PhoneVerification.objects.filter(phone_number=phone).delete(),
        lambda: PhoneVerification.objects.update(resend_at=None),
        lambda: Token.objects.filter(user=user).delete(),
        lambda: Session.objects.all().delete(),
        lambda: UserSession.objects.all().delete(),
    ]
    # What happens to it is not asked here.
    with suppress(PhoneReferralsError, DatabaseError, AttributeError):
        dice.choice(acts)()


@pytest.fixture
def play(at_once, settings):
    """Let clients call at random while a site is upset; return what was answered, and what was raised."""
    settings.ROOT_URLCONF = "tests.pages.urls"
    settings.PHONE_REFERRALS_TEST_NUMBERS = {phone: {"code": CODE, "until": "2099-12-31"} for phone in PHONES}

    def play(seed):
        answers, raised, is_over = Counter(), [], []

        def use(client):
            for _ in range(REQUESTS):
                try:
                    answers.update(client.call())
                except Exception as error:  # noqa: BLE001 - for the test to look at
                    raised.append("".join(traceback.format_exception(error)))
            is_over.append(client)

        def disturb(dice):
            while len(is_over) < CLIENTS:
                upset(dice)
                time.sleep(dice.random() / 10)

        clients = [(Api if number % 2 else Browser)(random.Random(f"{seed} {number}")) for number in range(CLIENTS)]
        ended = at_once(*[partial(use, client) for client in clients], partial(disturb, random.Random(seed)))
        assert ended == [None] * (CLIENTS + 1)
        return answers, raised

    return play


@pytest.mark.parametrize("kind", KINDS)
def test_no_call_is_an_error_of_the_server_in_chaos(play, settings, kind):
    settings.PHONE_REFERRALS_TOKEN_ISSUER = f"phone_referrals.tokens.{kind}"
    answers, raised = play(kind)
    assert not raised, "\n".join(raised)
    # 503 tells to come back: SQLite has one writer, and PostgreSQL's locks have an end.
    assert {status for status in answers if status >= 500} <= {503}
    assert sum(answers.values()) >= CLIENTS * REQUESTS
    assert {200, 201} <= answers.keys()
