from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from phone_referrals.models import Referral, ReferralCode
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db(transaction=True)

SOUND = """\
0 referrals in a circle or below one
0 referrals of an invited user who is not there
0 referrals by a referrer who is not there
0 codes of a user who is not there
"""


def check():
    output = StringIO()
    try:
        call_command("check_referrals", stdout=output)
    except CommandError as error:
        assert str(error) == "The referrals are damaged."  # noqa: PT017
    else:
        assert output.getvalue() == SOUND
    return output.getvalue().splitlines()


def refer(referrer, referred):
    Referral.objects.create(referrer=referrer, referred=referred, code="TESTS")


def test_what_is_sound_passes():
    root, below, alone = add_users(3)
    refer(root, below)
    add_invitees(below, 3)
    refer(None, alone)
    assert "\n".join([*check(), ""]) == SOUND


def test_a_circle_is_found_with_what_hangs_below_it():
    one, two, below, sound, root = add_users(5)
    refer(one, two)
    refer(two, one)
    refer(two, below)
    refer(root, sound)
    keys = sorted([one.pk, two.pk, below.pk])
    assert check()[0] == f"3 referrals in a circle or below one: {', '.join(map(str, keys))}"


def test_no_more_than_twenty_are_shown():
    one, two, *others = add_users(30)
    refer(one, two)
    refer(two, one)
    for user in others:
        refer(one, user)
    line = check()[0]
    assert line.startswith("30 ")
    assert line.endswith(", …")
    assert line.count(",") == 20


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL lets nobody take a user from under a referral.")
def test_rows_of_users_who_are_not_there_are_found():
    one, two, three, four = add_users(4)
    refer(one, two)
    refer(three, four)
    code = ReferralCode.objects.create(user=one, code="A0")
    keys = [one.pk, four.pk]
    with connection.constraint_checks_disabled():
        get_user_model().objects.filter(pk__in=keys)._raw_delete("default")
        lines = check()
        Referral.objects.all().delete()
        ReferralCode.objects.all().delete()
    assert lines[1:] == [
        f"1 referrals of an invited user who is not there: {keys[1]}",
        f"1 referrals by a referrer who is not there: {two.pk}",
        f"1 codes of a user who is not there: {code.pk}",
    ]
