"""How many statements a call takes, BEGIN and COMMIT included: as many for a crowd as for nobody.

The numbers are those of today, so that a change shows; the limits beside them are what the design promises.
"""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model

from phone_referrals.models import PhoneVerification
from phone_referrals.referrals.codes import code_of
from tests.people import add_invitees, add_users

# A transaction of the test's own would hide those of the package.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def noon(time_machine):
    """Messages are counted by the day, which would end in a test that runs at midnight."""
    time_machine.move_to(datetime.now(UTC).replace(hour=12))


def growing(add):
    """Let a crowd grow by calling `add(count)`; yield each of its sizes."""
    size = 0
    for crowd in (0, 30, 1100):  # Counts end at a thousand.
        add(crowd - size)
        size = crowd
        yield size


@pytest.fixture
def count(django_assert_num_queries):
    """Make a call that takes so many statements, which is no more than the limit."""

    def count(statements, *, limit, call):
        assert statements <= limit
        with django_assert_num_queries(statements):
            answer = call()
        assert answer.status_code in {200, 201}
        return answer

    return count


@pytest.fixture
def reader(sign_in, phone):
    """A client that is signed in, and whose user has a code."""
    client = sign_in(phone)
    client.user = get_user_model().objects.get(phone_number=phone)
    code_of(client.user)
    return client


def test_a_request_for_a_code(api, count, phone, other_phone):
    data = {"phone_number": phone}
    # The first message of a day to a region makes the row that the others are counted in.
    api.post("/api/users/get_verify_code/", {"phone_number": other_phone}, format="json")

    for _ in growing(add_users):
        PhoneVerification.objects.all().delete()
        for _ in ("first", "again"):
            PhoneVerification.objects.update(resend_at=None)
            count(3, limit=3, call=lambda: api.post("/api/users/get_verify_code/", data, format="json"))


def test_signing_up(api, count, send_code):
    for number, _ in enumerate(growing(add_users)):
        phone = f"+1201555011{number}"
        data = {"phone_number": phone, "code": send_code(phone)}

        answer = count(9, limit=9, call=lambda data=data: api.post("/api/users/auth/", data, format="json"))

        assert answer.status_code == 201


def test_signing_in(api, count, send_code, reader, phone):
    for _ in growing(lambda more: add_invitees(reader.user, more)):
        data = {"phone_number": phone, "code": send_code(phone)}

        answer = count(6, limit=6, call=lambda data=data: api.post("/api/users/auth/", data, format="json"))

        assert answer.status_code == 200


@pytest.mark.usefixtures("open_list")
@pytest.mark.parametrize("whose", ["me", "own", "other"])
def test_a_profile(count, reader, make_user, whose):
    owner = make_user(50) if whose == "other" else reader.user
    path = "me" if whose == "me" else owner.pk

    for crowd in growing(lambda more: add_invitees(owner, more)):
        # With one page or less there is nothing left to count.
        answer = count(4 if crowd > 20 else 3, limit=4, call=lambda: reader.get(f"/api/users/{path}/"))

        assert answer.json()["invitees"]["count"] == min(crowd, 1000)


def test_the_profile_of_who_was_invited(count, reader):
    (invited,) = add_invitees(reader.user, 1)

    for crowd in growing(lambda more: add_invitees(get_user_model()(pk=invited), more)):
        answer = count(4 if crowd > 20 else 3, limit=4, call=lambda: reader.get(f"/api/users/{invited}/"))

        assert answer.json()["referred_by"]["id"] == reader.user.pk


@pytest.mark.usefixtures("open_list")
def test_the_list_of_all_users(count, reader):
    for _ in growing(add_users):
        answer = count(2, limit=4, call=lambda: reader.get("/api/users/"))
        following = answer.json()["next"] or "/api/users/"
        count(2, limit=4, call=lambda address=following: reader.get(address))


def test_the_list_of_ones_own_people(count, reader):
    for crowd in growing(lambda more: add_invitees(reader.user, more)):
        answer = count(3, limit=4, call=lambda: reader.get("/api/users/"))
        if crowd:
            following = answer.json()["next"]
            count(2, limit=4, call=lambda address=following: reader.get(address))


def test_the_list_of_invitees(count, reader):
    address = f"/api/users/{reader.user.pk}/invitees/"

    for _ in growing(lambda more: add_invitees(reader.user, more)):
        answer = count(3, limit=4, call=lambda: reader.get(address))
        following = answer.json()["next"] or address
        count(3, limit=4, call=lambda address=following: reader.get(address))


def test_the_page_of_ones_own_code(count, reader):
    for _ in growing(lambda more: add_invitees(reader.user, more)):
        count(4, limit=4, call=lambda: reader.get("/api/referrals/"))
