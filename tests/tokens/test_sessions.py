"""Where one is signed in: listed, ended one by one or all but this one, where the kind of token knows."""

import pytest
from rest_framework.test import APIClient

from phone_referrals.models import UserSession
from phone_referrals.tokens import BaseTokenIssuer
from tests.tokens.conftest import status

pytestmark = pytest.mark.django_db

LIST, END_OTHERS = "/api/users/me/sessions/", "/api/users/me/sessions/end_others/"


@pytest.fixture(params=["knox", "session"])
def kind(request, use):
    use(request.param)
    return request.param


@pytest.fixture
def sign_in_with(last_code):
    """Sign in with a program of some name."""

    def sign_in_with(phone, agent):
        client = APIClient(HTTP_USER_AGENT=agent)
        client.post("/api/users/get_verify_code/", {"phone_number": phone})
        client.answer = client.post("/api/users/auth/", {"phone_number": phone, "code": last_code(phone)}).json()
        if client.answer["token"]:
            client.credentials(HTTP_AUTHORIZATION=f"Token {client.answer['token']}", HTTP_USER_AGENT=agent)
        return client

    return sign_in_with


@pytest.fixture
def mine(kind, sign_in_with, phone):
    return [sign_in_with(phone, agent) for agent in ("Phone/1", "Laptop/2", "Tablet/3")]


def sessions(client):
    return client.get(LIST).json()["results"]


def test_the_list_says_when_and_with_what_newest_first(mine, sign_in_with, other_phone):
    sign_in_with(other_phone, "Stranger/1")
    rows = sessions(mine[1])
    assert [row["user_agent"] for row in rows] == ["Tablet/3", "Laptop/2", "Phone/1"]
    assert [row["is_current"] for row in rows] == [False, True, False]
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert all(row["expires_at"] > row["created_at"] for row in rows)


def test_the_list_shows_nothing_that_opens_or_finds_a_session(mine):
    text = mine[0].get(LIST).content.decode()
    for row in UserSession.objects.all():
        assert row.key not in text
    assert [row["id"] for row in sessions(mine[0])] == [row["id"] for row in sessions(mine[1])]


def test_one_is_ended_and_the_others_go_on(mine):
    tablet = sessions(mine[0])[0]
    assert mine[0].post(f"{LIST}{tablet['id']}/end/").status_code == 204
    assert [status(client) for client in mine] == [200, 200, 401]
    assert [row["user_agent"] for row in sessions(mine[0])] == ["Laptop/2", "Phone/1"]
    assert mine[0].post(f"{LIST}{tablet['id']}/end/").status_code == 404


def test_this_one_may_be_ended_too(mine):
    this = next(row for row in sessions(mine[0]) if row["is_current"])
    assert mine[0].post(f"{LIST}{this['id']}/end/").status_code == 204
    assert [status(client) for client in mine] == [401, 200, 200]


def test_the_others_are_ended_and_this_one_goes_on(mine, sign_in_with, other_phone):
    stranger = sign_in_with(other_phone, "Stranger/1")
    assert mine[1].post(END_OTHERS).status_code == 204
    assert [status(client) for client in mine] == [401, 200, 401]
    assert [row["user_agent"] for row in sessions(mine[1])] == ["Laptop/2"]
    assert status(stranger) == 200


def test_nobody_ends_a_session_of_somebody_else(mine, sign_in_with, other_phone):
    stranger = sign_in_with(other_phone, "Stranger/1")
    for row in sessions(mine[0]):
        assert stranger.post(f"{LIST}{row['id']}/end/").status_code == 404
    assert [status(client) for client in mine] == [200, 200, 200]


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_one_that_was_logged_out_is_not_listed(mine, path):
    mine[0].post(f"/api/users/{path}/")
    expected = ["Tablet/3", "Laptop/2"] if path == "logout" else None
    answer = mine[1].get(LIST)
    assert answer.status_code == (200 if expected else 401)
    if expected:
        assert [row["user_agent"] for row in answer.json()["results"]] == expected


@pytest.mark.parametrize("agent", ["", "x" * 10_000, "a\0b", "é😀"])
def test_any_user_agent_will_do(kind, sign_in_with, phone, agent):
    (row,) = sessions(sign_in_with(phone, agent))
    assert row["user_agent"] == agent.replace("\0", "")[:200]


@pytest.mark.parametrize("other_kind", ["drf", "jwt"])
def test_other_kinds_do_not_know(use, sign_in, phone, other_kind):
    use(other_kind)
    client = sign_in(phone)
    assert client.get(LIST).status_code == 404
    assert client.post(END_OTHERS).status_code == 404
    assert client.post(f"{LIST}x/end/").status_code == 404
    assert status(client) == 200


def test_an_issuer_that_says_it_knows_has_to():
    for call in (lambda: BaseTokenIssuer.sessions(None, None), lambda: BaseTokenIssuer.end_session(None, None, None)):
        with pytest.raises(NotImplementedError):
            call()


def test_a_row_says_nothing_of_its_key(mine):
    for row in UserSession.objects.all():
        assert row.key not in str(row)
        assert str(row).startswith(str(row.user_id))
