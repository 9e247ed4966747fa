"""Who may do what: every URL of the package, for everybody, by its status."""

import pytest
from django.urls import reverse
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from phone_referrals.referrals.codes import code_of
from phone_referrals.urls import urlpatterns

pytestmark = pytest.mark.django_db

PEOPLE = ("anonymous", "user", "other user", "staff", "inactive")
ANYBODY = {"get_verify_code", "auth"}

# Where there is an id, and where a code is entered, it is the one of "user". A code that was never sent is a 400.
TABLE = {
    # name, method:               anonymous, user, other user, staff, inactive
    ("get_verify_code", "get"): (405, 405, 405, 405, 405),
    ("get_verify_code", "post"): (200, 200, 200, 200, 200),
    ("auth", "get"): (405, 405, 405, 405, 405),
    ("auth", "post"): (400, 400, 400, 400, 400),
    ("logout", "get"): (401, 405, 405, 405, 401),
    ("logout", "post"): (401, 204, 204, 204, 401),
    ("logout_all", "get"): (401, 405, 405, 405, 401),
    ("logout_all", "post"): (401, 204, 204, 204, 401),
    # A proven phone is needed, and the code of it that was never sent is a 400; nobody here has signed in recently.
    ("get_change_code", "get"): (401, 405, 405, 405, 401),
    ("get_change_code", "post"): (401, 200, 200, 200, 401),
    ("change_phone", "get"): (401, 405, 405, 405, 401),
    ("change_phone", "post"): (401, 403, 403, 400, 401),
    ("get_delete_code", "get"): (401, 405, 405, 405, 401),
    ("get_delete_code", "post"): (401, 200, 200, 200, 401),
    ("delete", "get"): (401, 405, 405, 405, 401),
    ("delete", "post"): (401, 400, 400, 400, 401),
    # Of the kinds of token that know their sessions; the default one does not.
    ("sessions", "get"): (401, 404, 404, 404, 401),
    ("sessions", "post"): (401, 405, 405, 405, 401),
    ("end_session", "get"): (401, 405, 405, 405, 401),
    ("end_session", "post"): (401, 404, 404, 404, 401),
    ("end_other_sessions", "get"): (401, 405, 405, 405, 401),
    ("end_other_sessions", "post"): (401, 404, 404, 404, 401),
    ("referrals", "get"): (401, 200, 200, 200, 401),
    ("referrals", "post"): (401, 405, 405, 405, 401),
    ("own_invitees", "get"): (401, 200, 200, 200, 401),
    ("own_invitees", "post"): (401, 405, 405, 405, 401),
    ("redeem", "get"): (401, 405, 405, 405, 401),
    ("redeem", "post"): (401, 400, 201, 201, 401),
    ("user_list", "get"): (401, 200, 200, 200, 401),
    ("user_list", "post"): (401, 405, 405, 405, 401),
    ("me", "get"): (401, 200, 200, 200, 401),
    ("me", "post"): (401, 405, 405, 405, 401),
    ("user_detail", "get"): (401, 200, 404, 200, 401),
    ("user_detail", "post"): (401, 405, 405, 405, 401),
    ("invitees", "get"): (401, 200, 404, 200, 401),
    ("invitees", "post"): (401, 405, 405, 405, 401),
}


@pytest.fixture
def people(make_user):
    people = {who: make_user(number) for number, who in enumerate(PEOPLE[1:])}
    people["staff"].is_staff = True
    people["inactive"].is_active = False
    for user in people.values():
        user.save()
    return people


@pytest.fixture
def client_of(people):
    """Return a client with a token, even for who had one before becoming inactive; staff come by password."""

    def client_of(who):
        client = APIClient()
        if who == "staff":
            client.force_login(people[who], "django.contrib.auth.backends.ModelBackend")
        elif who in people:
            client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=people[who]).key}")
        return client

    return client_of


def url_of(name, user):
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    return reverse(f"phone_referrals:{name}", args=[user.pk] if "<" in str(pattern.pattern) else [])


def test_every_url_is_in_the_table():
    assert {(pattern.name, method) for pattern in urlpatterns for method in ("get", "post")} == set(TABLE)


@pytest.mark.parametrize(("name", "method"), TABLE)
def test_everybody_may_do_what_the_table_says(people, client_of, undone, name, method):
    user, answers = people["user"], {}
    body = {"phone_number": "+12015550150", "code": "123456", "referral_code": code_of(user).code}
    for who in PEOPLE:
        with undone():
            call = getattr(client_of(who), method)
            answers[who] = call(url_of(name, user), body if method == "post" else None, format="json").status_code
    assert answers == dict(zip(PEOPLE, TABLE[name, method], strict=True))


@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns])
def test_nobody_may_do_anything_else(people, client_of, name):
    refused = dict.fromkeys(PEOPLE, 405) | ({} if name in ANYBODY else {"anonymous": 401, "inactive": 401})
    clients = {who: client_of(who) for who in PEOPLE}
    for method in ("put", "patch", "delete"):
        url = url_of(name, people["user"])
        answers = {who: getattr(client, method)(url, {}, format="json").status_code for who, client in clients.items()}
        assert answers == refused, method
