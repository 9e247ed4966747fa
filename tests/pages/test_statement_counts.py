"""How many statements a page takes, those of the session included: as many for a crowd as for nobody.

The numbers are those of today, so that a change shows.
"""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from phone_referrals.models import PhoneVerification
from phone_referrals.referrals.codes import code_of
from tests.people import add_invitees, add_users
from tests.test_statement_counts import growing

# A transaction of the test's own would hide those of the package.
pytestmark = pytest.mark.django_db(transaction=True)

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"


@pytest.fixture(autouse=True)
def noon(time_machine):
    """Messages are counted by the day, which would end in a test that runs at midnight."""
    time_machine.move_to(datetime.now(UTC).replace(hour=12))


@pytest.fixture
def reader(phone, make_user):
    client = Client()
    client.user = make_user()
    code_of(client.user)
    client.force_login(client.user, BACKEND)
    return client


def test_the_first_page(client, django_assert_num_queries):
    for _ in growing(add_users):
        with django_assert_num_queries(0):
            client.get("/sign-in/")


def test_asking_for_a_code(client, ask, phone, other_phone, django_assert_num_queries):
    ask(other_phone)
    for _ in growing(add_users):
        PhoneVerification.objects.all().delete()
        # The session is read and written, in a transaction.
        with django_assert_num_queries(7):
            ask(phone)


def test_the_page_of_the_code(client, ask, phone, django_assert_num_queries):
    ask(phone)
    for _ in growing(add_users):
        with django_assert_num_queries(1):
            client.get("/sign-in/code/")


def test_entering_a_wrong_code(client, ask, enter, phone, last_code, wrong, django_assert_num_queries):
    ask(phone)
    for _ in growing(add_users):
        with django_assert_num_queries(3):
            enter(wrong(last_code(phone)))


@pytest.mark.parametrize(("known", "statements"), [(True, 17), (False, 20)])
def test_entering_the_right_code(browser, last_code, make_user, django_assert_num_queries, known, statements):
    for number, _ in enumerate(growing(add_users)):
        phone = f"+1201555011{number}"
        if known:
            make_user(10 + number)
        client = Client()
        client.post("/sign-in/", {"phone_number": phone})
        code = last_code(phone)
        with django_assert_num_queries(statements):
            assert client.post("/sign-in/code/", {"code": code}).status_code == 303


def test_the_profile(reader, django_assert_num_queries):
    statements = {0: 5, 30: 8, 1100: 8}
    for crowd in growing(lambda more: add_invitees(reader.user, more)):
        with django_assert_num_queries(statements[crowd]):
            assert reader.get("/").status_code == 200


def test_the_profile_of_who_was_invited_and_invites(reader, django_assert_num_queries):
    (invited,) = add_invitees(reader.user, 1)
    client = Client()
    client.force_login(get_user_model().objects.get(pk=invited), BACKEND)
    code_of(get_user_model()(pk=invited))
    statements = {0: 5, 30: 8, 1100: 8}
    for crowd in growing(lambda more: add_invitees(get_user_model()(pk=invited), more)):
        with django_assert_num_queries(statements[crowd]):
            client.get("/")


def test_the_list_of_invitees(reader, django_assert_num_queries):
    for _ in growing(lambda more: add_invitees(reader.user, more)):
        with django_assert_num_queries(3):
            assert reader.get("/invitees/").status_code == 200


def test_following_a_link(client, reader, django_assert_num_queries):
    code = code_of(reader.user).code
    with django_assert_num_queries(0):
        client.get(f"/r/{code}/")
