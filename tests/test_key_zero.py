"""A user whose primary key is 0 is a user as any other: no key is asked whether it is true."""

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from phone_referrals.accounts import get_accounts, lock
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode, UserSession
from phone_referrals.profiles import queries
from phone_referrals.referrals import network, tree
from phone_referrals.referrals.admin import csv_of
from phone_referrals.referrals.codes import code_of, rotate
from phone_referrals.referrals.invitees import invitees_page
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin import delete_account
from phone_referrals.signin.codes import owners
from phone_referrals.tokens import get_issuer

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not connection.features.allows_auto_pk_0, reason="MySQL gives another key for 0."),
]


@pytest.fixture(params=[0, 3])
def people(request, make_user):
    """A user with a key, a friend whom it invited, and one who invited it; the same with the key 0 and another."""
    found = SimpleNamespace(key=request.param)
    for number, (name, key) in enumerate({"me": request.param, "friend": 101, "above": 102}.items()):
        get_user_model().objects.filter(pk=make_user(number).pk).update(id=key)
        setattr(found, name, get_user_model().objects.get(pk=key))
    redeem(found.me, code_of(found.above).code)
    redeem(found.friend, code_of(found.me).code)
    return found


def export(people):
    rows = [line.rstrip().split(",")[2:] for line in list(csv_of(Referral.objects.order_by("referred")))[1:]]
    masked = ["+1 *** *** **00", "+1 *** *** **01", "+1 *** *** **02"]
    lines = {(str(people.key), masked[0], "102", masked[2]), ("101", masked[1], str(people.key), masked[0])}
    assert {(a, b.lstrip("'"), c, d.lstrip("'")) for a, b, c, d in rows} == lines


def names_of_rows(people):
    assert set(map(str, Referral.objects.all())) == {f"102 → {people.key}", f"{people.key} → 101"}
    assert Referral.objects.of(people.me).get().referred == people.friend


def walks(people):
    assert tree.root_above(101, using="default") == 102
    assert tree.people_above(101, limit=9, using="default") == [people.key, 102]
    assert tree.people_below(people.key, limit=9, using="default") == [(101, people.key)]
    assert tree.levels_below(people.key, using="default") == ([1, 0, 0], False)
    Referral.objects.filter(referred=people.me).delete()
    assert tree.root_above(101, using="default") == people.key
    Referral.objects.create(referred=people.me, referrer=people.friend, code="A")
    assert set(tree.in_circles(using="default")) == {people.key, 101}


def pictures(people):
    assert [each.pk for each in network.draw(people.above).people] == [people.key, 101]
    assert [each.pk for each in network.draw(people.me).people] == [101]
    assert [each.pk for each in network.draw_above(people.friend)] == [102, people.key]


def pages_of_people(people):
    assert [each.pk for each in queries.network_page(people.me).rows] == [people.key, 102, 101]
    assert [each.referred_id for each in invitees_page(people.above).rows] == [people.key]
    near = queries.near(people.friend, queries.users()).values_list("pk", "network_level")
    assert set(near) == {(101, 0), (people.key, -1)}


def codes(people):
    assert code_of(people.me).active_for_id == people.key
    assert rotate(people.me).user_id == people.key
    assert ReferralCode.objects.filter(active_for=people.me).count() == 1


def natural_keys(people, tmp_path):
    file = str(tmp_path / "rows.json")
    options = {"use_natural_foreign_keys": True, "use_natural_primary_keys": True}
    call_command("dumpdata", "phone_referrals.referral", output=file, verbosity=0, **options)
    rows = set(Referral.objects.values_list("referred", "referrer"))
    assert len(json.loads((tmp_path / "rows.json").read_text())) == 2
    Referral.objects.all().delete()
    call_command("loaddata", file, verbosity=0)
    assert set(Referral.objects.values_list("referred", "referrer")) == rows


def tokens(people):
    issuer = get_issuer()
    token = issuer.issue(people.me, created=False)["token"]
    assert token == issuer.issue(people.me, created=False)["token"]
    issuer.revoke_all(people.me)
    assert token != issuer.issue(people.me, created=False)["token"]
    assert str(UserSession(user=people.me)).startswith(f"{people.key} ")


def owner_of_a_message(people):
    keys = [owners("+12015550100", "change_phone", each)[0] for each in (people.me, people.friend)]
    assert keys[0] != keys[1]
    assert all(keys)


def deletion(people, monkeypatch):
    monkeypatch.setattr(delete_account, "check_code", lambda **keywords: None)
    assert lock(people.me).pk == people.key
    delete_account.delete_account(people.me, code="000000")
    assert Referral.objects.values_list("referred", "referrer", "code").get() == (101, None, "")
    assert str(Referral.objects.get()) == "- → 101"
    assert RedeemedPhone.objects.count() == 1
    assert get_accounts().find("+12015550100") is None


CALLS = [
    export,
    names_of_rows,
    walks,
    pictures,
    pages_of_people,
    codes,
    natural_keys,
    tokens,
    owner_of_a_message,
    deletion,
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_user_with_the_key_zero_is_as_any_other(call, people, tmp_path, monkeypatch):
    tools = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    names = call.__code__.co_varnames[: call.__code__.co_argcount]
    call(people, **{name: tools[name] for name in names if name in tools})
