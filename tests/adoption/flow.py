"""What must work on every kind of host. `test_hosts.py` runs this with the settings of each, in a process of its own.

Kept short: how the calls behave is tested elsewhere, on one host; here, that they do whatever the user model is.
"""

import inspect
from pathlib import Path
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from phone_referrals.accounts import get_accounts
from phone_referrals.conf import conf
from phone_referrals.models import Referral

pytestmark = pytest.mark.django_db

PHONE, FRIEND, NEW = "+12015550100", "+12015550101", "+12015550102"


@pytest.fixture
def existing():
    """A user from before the adoption, whose phone is as the host has it."""
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: "somebody@example.com"})
    user.set_password("a password")
    if "__" in conf.phone_field:
        user.save()
        if hasattr(user, "profile"):
            user.profile.city = "Springfield"
            user.profile.save()
        get_accounts().set_phone(user, PHONE)
    else:
        setattr(user, conf.phone_field, PHONE)
        user.save()
    return user


@pytest.fixture
def me(sign_in):
    return sign_in(PHONE)


@pytest.fixture
def friend(sign_in):
    client = sign_in(FRIEND)
    client.code = client.get("/api/users/me/").json()["referral_code"]
    return client


def test_the_host_passes_every_check_and_needs_no_migration():
    assert run_checks() == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_host_s_migrations_name_nothing_of_ours():
    hosts = [config.label for config in apps.get_app_configs() if config.name.startswith("tests.hosts.")]
    migrations = [each for (app, _), each in MigrationLoader(None).disk_migrations.items() if app in hosts]
    assert migrations
    for migration in migrations:
        assert "phone_referrals" not in str(migration.dependencies)
        assert "phone_referrals" not in Path(inspect.getfile(type(migration))).read_text()


def test_who_was_here_before_signs_in_by_phone_and_by_password(existing, me, client):
    assert me.answer["created"] is False
    assert get_accounts().find(PHONE) == existing
    assert str(existing.pk) == str(me.answer["user"]["id"])
    assert client.login(**{existing.USERNAME_FIELD: str(existing.get_username()), "password": "a password"})


def test_who_is_new_becomes_a_user_of_the_host(existing, friend):
    assert friend.answer["created"] is True
    user = get_accounts().find(FRIEND)
    assert isinstance(user, get_user_model())
    assert not user.has_usable_password()
    assert str(user)
    assert FRIEND not in str(user)
    key = friend.answer["user"]["id"]
    assert key == (str(user.pk) if isinstance(user.pk, UUID) else user.pk)


def test_a_code_is_redeemed_and_both_see_it(existing, me, friend):
    assert me.post("/api/referrals/referral_code/", {"referral_code": friend.code}).status_code == 201
    assert me.get("/api/users/me/").json()["referred_by"] == {
        "id": friend.answer["user"]["id"],
        "phone_number": "+1 *** *** **01",
    }
    (invitee,) = friend.get("/api/users/me/").json()["invitees"]["results"]
    assert (invitee["id"], invitee["phone_number"]) == (me.answer["user"]["id"], "+1 *** *** **00")
    assert friend.get("/api/referrals/").json()["levels"][0] == {"level": 1, "count": 1}
    shown = friend.get(f"/api/users/{me.answer['user']['id']}/").json()
    assert (shown["phone_number"], shown["referral_code"]) == ("+1 *** *** **00", None)
    assert len(friend.get(f"/api/users/{friend.answer['user']['id']}/invitees/").json()["results"]) == 1
    assert len(friend.get("/api/users/").json()["results"]) == 2


def test_nobody_redeems_in_a_circle_or_twice(existing, me, friend):
    me.post("/api/referrals/referral_code/", {"referral_code": friend.code})
    mine = me.get("/api/users/me/").json()["referral_code"]
    answers = [friend.post("/api/referrals/referral_code/", {"referral_code": code}) for code in (mine, friend.code)]
    answers.append(me.post("/api/referrals/referral_code/", {"referral_code": friend.code}))
    assert [answer.json()["code"] for answer in answers] == ["circular_referral", "own_code", "already_redeemed"]


def test_a_phone_is_changed(existing, me, friend, last_code, outbox):
    for phone, status in ((FRIEND, 409), (NEW, 200)):
        me.post("/api/users/me/phone/get_verify_code/", {"phone_number": phone})
        codes = {"code": last_code(phone), "current_code": last_code(PHONE)}
        answer = me.post("/api/users/me/phone/", {"phone_number": phone, **codes})
        assert answer.status_code == status
    assert get_accounts().find(NEW) == existing
    assert get_accounts().find(PHONE) is None
    assert outbox[-1].phone_number == PHONE
    assert me.get("/api/users/me/").status_code == 401
    existing.refresh_from_db()
    assert existing.check_password("a password")
    if hasattr(existing, "profile"):
        existing.profile.refresh_from_db()
        assert existing.profile.city == "Springfield"


def test_an_account_is_deleted_and_does_not_redeem_again(existing, me, friend, sign_in, last_code):
    me.post("/api/referrals/referral_code/", {"referral_code": friend.code})
    me.post("/api/users/me/get_verify_code/")
    assert me.post("/api/users/me/delete/", {"code": last_code(PHONE)}).status_code == 204
    assert get_accounts().find(PHONE) is None
    assert not get_user_model()._base_manager.filter(pk=existing.pk).exists()
    again = sign_in(PHONE)
    assert again.answer["created"] is True
    answer = again.post("/api/referrals/referral_code/", {"referral_code": friend.code})
    assert answer.json()["code"] == "already_redeemed"
    assert not Referral.objects.exists()


def test_logging_out_ends_the_token(existing, me):
    assert me.post("/api/users/logout/").status_code == 204
    assert me.get("/api/users/me/").status_code == 401
