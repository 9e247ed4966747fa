"""Who may see and do what on the pages: every URL, for everybody, by its status or by where it leads."""

import pytest
from django.test import Client
from django.urls import reverse

from phone_referrals.pages.urls import urlpatterns
from phone_referrals.referrals.codes import code_of

pytestmark = pytest.mark.django_db

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"
PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
PEOPLE = ("anonymous", "user", "other user", "staff", "inactive")

# The referral code that is followed, and entered, is the one of "user". Nobody waits for a code to sign in with.
PROFILE, SIGN_IN, ENTER_CODE = "/", "/sign-in/", "/sign-in/code/"
BACK_TO_PROFILE, BACK_TO_INVITEES = "/sign-in/?next=/", "/sign-in/?next=/invitees/"
TABLE = {
    # name, method:                     anonymous, user, other user, staff, inactive
    ("profile", "get"): (BACK_TO_PROFILE, 200, 200, 200, BACK_TO_PROFILE),
    ("profile", "post"): (BACK_TO_PROFILE, 400, PROFILE, PROFILE, BACK_TO_PROFILE),
    ("invitees", "get"): (BACK_TO_INVITEES, 200, 200, 200, BACK_TO_INVITEES),
    ("invitees", "post"): (BACK_TO_INVITEES, 405, 405, 405, BACK_TO_INVITEES),
    ("set_language", "get"): (PROFILE, PROFILE, PROFILE, PROFILE, PROFILE),
    ("set_language", "post"): (PROFILE, PROFILE, PROFILE, PROFILE, PROFILE),
    ("invite", "get"): (SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    ("invite", "post"): (405, 405, 405, 405, 405),
    ("sign_in", "get"): (200, PROFILE, PROFILE, PROFILE, 200),
    ("sign_in", "post"): (ENTER_CODE, PROFILE, PROFILE, PROFILE, ENTER_CODE),
    ("enter_code", "get"): (SIGN_IN, PROFILE, PROFILE, PROFILE, SIGN_IN),
    ("enter_code", "post"): (SIGN_IN, PROFILE, PROFILE, PROFILE, SIGN_IN),
    ("send_again", "get"): (SIGN_IN, PROFILE, PROFILE, PROFILE, SIGN_IN),
    ("send_again", "post"): (SIGN_IN, PROFILE, PROFILE, PROFILE, SIGN_IN),
    ("sign_out", "get"): (PROFILE, PROFILE, PROFILE, PROFILE, PROFILE),
    ("sign_out", "post"): (SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    ("sign_out_everywhere", "get"): (PROFILE, PROFILE, PROFILE, PROFILE, PROFILE),
    ("sign_out_everywhere", "post"): (SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
}


@pytest.fixture
def people(make_user):
    return {who: make_user(number) for number, who in enumerate(PEOPLE[1:])}


@pytest.fixture
def client_of(people):
    """Return a browser with a session, even for who had one before becoming inactive."""

    def client_of(who):
        client = Client()
        if who in people:
            client.force_login(people[who], PASSWORD_BACKEND if who == "staff" else BACKEND)
            people[who].is_staff = who == "staff"
            people[who].is_active = who != "inactive"
            people[who].save()
        return client

    return client_of


def url_of(name, code):
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    return reverse(f"phone_referrals_pages:{name}", args=[code] if "<" in str(pattern.pattern) else [])


def test_every_url_is_in_the_table():
    assert {(pattern.name, method) for pattern in urlpatterns for method in ("get", "post")} == set(TABLE)


@pytest.mark.parametrize(("name", "method"), TABLE)
def test_everybody_may_do_what_the_table_says(people, client_of, undone, name, method):
    code = code_of(people["user"]).code
    body = {"phone_number": "+12015550150", "code": "123456", "referral_code": code}
    answers = {}
    for who in PEOPLE:
        with undone():
            answer = getattr(client_of(who), method)(url_of(name, code), body if method == "post" else None)
        led_to = answer.headers.get("Location", "").removesuffix(f"?invite={code}")
        answers[who] = led_to if answer.status_code in {302, 303} else answer.status_code
    assert answers == dict(zip(PEOPLE, TABLE[name, method], strict=True))


@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns])
def test_nobody_may_do_anything_else(people, client_of, name):
    url, clients = url_of(name, code_of(people["user"]).code), {who: client_of(who) for who in PEOPLE}
    for method in ("put", "patch", "delete"):
        answers = {who: getattr(client, method)(url).status_code for who, client in clients.items()}
        assert set(answers.values()) <= {302, 303, 405}, (method, answers)
