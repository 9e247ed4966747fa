import pytest
from django.contrib.auth import get_user_model
from django.db.models.signals import post_save
from rest_framework.authtoken.models import Token
from rest_framework.test import APIRequestFactory

from phone_referrals.tokens import get_issuer

pytestmark = pytest.mark.django_db


def request_of(user):
    request = APIRequestFactory().post("/")
    request.user = user
    return request


def test_a_new_user_gets_a_token(make_user):
    user = make_user()
    assert get_issuer().issue(user, created=True) == {"token": Token.objects.get(user=user).key}


def test_a_known_user_gets_the_same_token_on_every_device(make_user):
    user = make_user()
    issuer = get_issuer()
    issued = [issuer.issue(user, created=created) for created in (True, False, False)]
    assert issued == [{"token": Token.objects.get().key}] * 3


def test_a_known_user_without_a_token_gets_one(make_user):
    user = make_user()
    issued = get_issuer().issue(user, created=False)
    assert issued == {"token": Token.objects.get().key}


@pytest.mark.parametrize("end", ["revoke", "revoke_all"])
def test_a_token_that_was_ended_is_not_issued_again(make_user, end):
    user, other = make_user(0), make_user(1)
    issuer = get_issuer()
    first = issuer.issue(user, created=True)
    others = issuer.issue(other, created=True)
    issuer.revoke(user) if end == "revoke" else issuer.revoke_all(user)
    assert [token.key for token in Token.objects.all()] == [others["token"]]
    assert issuer.issue(user, created=False) != first


def test_a_token_made_by_the_hosts_receiver_is_issued(api, phone, send_code):
    """DRF's documentation has such a receiver."""

    def create_auth_token(sender, instance, created, **kwargs):
        if created:
            Token.objects.create(user=instance)

    post_save.connect(create_auth_token, sender=get_user_model())
    try:
        answer = api.post("/api/users/auth/", {"phone_number": phone, "code": send_code(phone)})
    finally:
        post_save.disconnect(create_auth_token, sender=get_user_model())
    assert answer.status_code == 201
    assert answer.json()["token"] == Token.objects.get().key
