"""Phones as a host has them from before the adoption, in any spelling."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from phone_referrals.management.commands import audit_phone_numbers
from phone_referrals.management.commands.audit_phone_numbers import LOOK_UPS
from tests.hosts.phone_first.models import Profile

pytestmark = pytest.mark.django_db

User = get_user_model()


def audit(*arguments, **options):
    output = StringIO()
    call_command("audit_phone_numbers", *arguments, stdout=output, **options)
    lines = output.getvalue().splitlines()
    counts = {what: int(number) for number, _, what in (line.partition(" ") for line in lines) if number.isdigit()}
    return counts, [line for line in lines if not line[0].isdigit()]


@pytest.fixture
def add():
    """Write a phone as the host has it, unread by any field."""

    def add(stored):
        user = User.objects.create()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE phone_first_user SET phone_number = %s WHERE id = %s", [stored, user.pk])
        return user.pk

    return add


def stored(pk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone_number FROM phone_first_user WHERE id = %s", [pk])
        return cursor.fetchone()[0]


SOUND = {"in order": 0, "in another spelling": 0, "invalid": 0, "without a region": 0, "shared by several users": 0}


def test_each_phone_is_counted_as_what_it_is(add):
    for phone in ("+12015550100", "+1 201 555-0101", "+1 999", "201 555 0103", None, ""):
        add(phone)
    counts, _ = audit()
    assert counts == {**SOUND, "in order": 1, "in another spelling": 1, "invalid": 1, "without a region": 1}


def test_a_region_reads_what_has_none(add, settings):
    add("201 555 0103")
    for region in ("US", "us"):
        assert audit("--region", region)[0] == {**SOUND, "in another spelling": 1}
    settings.PHONENUMBER_DEFAULT_REGION = "US"
    add("call me")
    assert audit()[0] == {**SOUND, "in another spelling": 1, "invalid": 1}


def test_two_spellings_of_one_number_are_said_to_collide(add):
    pks = [add(phone) for phone in ("+12015550100", "+1 201 555 0100", "+1 (201) 555-0100")]
    counts, lines = audit()
    assert counts["shared by several users"] == 1
    assert lines[0] == f"shared: {', '.join(map(str, pks))} (+1 *** *** **00)"


def test_no_line_shows_a_whole_number(add):
    for phone in ("+1201555010", "201 555 0103", "12015550100x", "+12015550100", "+1 201 555 0100"):
        add(phone)
    _, lines = audit()
    lines = [line for line in lines if line not in LOOK_UPS.format(model="phone_first.User", column="phone_number")]
    assert len(lines) == 4
    assert not [line for line in lines if "55501" in line.replace(" ", "")]


def test_nothing_is_written_without_being_told_to(add):
    pk = add("+1 201 555-0101")
    audit()
    assert stored(pk) == "+1 201 555-0101"


def test_what_is_safe_is_rewritten_and_nothing_else(add):
    safe, lone = add("+1 201 555-0101"), add("201 555 0103")
    shared = [add("+1 201 555 0102"), add("+1-201-555-0102")]
    counts, _ = audit("--fix")
    assert counts["rewritten"] == 1
    assert stored(safe) == "+12015550101"
    assert [stored(pk) for pk in (lone, *shared)] == ["201 555 0103", "+1 201 555 0102", "+1-201-555-0102"]
    assert audit("--fix")[0] == {
        **SOUND,
        "in order": 1,
        "in another spelling": 2,
        "without a region": 1,
        "shared by several users": 1,
        "rewritten": 0,
    }


def test_it_goes_on_where_it_was_stopped(add, monkeypatch):
    pks = [add(f"+1 201 555 010{number}") for number in range(4)]
    rewrite = audit_phone_numbers.Command.rewrite

    def stopped(command, pk, text, number):
        if pk == pks[2]:
            raise KeyboardInterrupt
        return rewrite(command, pk, text, number)

    in_twos = lambda rows, columns: original(rows, columns=columns, size=2)  # noqa: E731
    original = audit_phone_numbers.batches
    monkeypatch.setattr(audit_phone_numbers, "batches", in_twos)
    monkeypatch.setattr(audit_phone_numbers.Command, "rewrite", stopped)
    with pytest.raises(CommandError, match="again to go on"):
        audit("--fix")
    monkeypatch.setattr(audit_phone_numbers.Command, "rewrite", rewrite)
    counts, _ = audit("--fix")
    assert (counts["in order"], counts["rewritten"]) == (2, 2)


def test_a_number_that_was_taken_meanwhile_is_left(add, monkeypatch):
    pk = add("+1 201 555 0101")
    report = audit_phone_numbers.Command.report_shared

    def taken(command, numbers):
        add("+12015550101")
        return report(command, numbers)

    monkeypatch.setattr(audit_phone_numbers.Command, "report_shared", taken)
    assert audit("--fix")[0]["rewritten"] == 0
    assert stored(pk) == "+1 201 555 0101"


def test_the_phone_may_be_on_a_profile(settings, make_user):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    user = User.objects.create()
    profile = Profile.objects.create(user=user, phone="+12015550101")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phone_first_profile SET phone = '+1 201 555 0101'")
    assert audit("--fix")[0]["rewritten"] == 1
    profile.refresh_from_db()
    assert str(profile.phone) == "+12015550101"


def test_numbers_are_in_order_as_the_host_s_field_writes_them(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    settings.PHONENUMBER_DB_FORMAT = "INTERNATIONAL"
    for number in (1, 2):
        Profile.objects.create(user=User.objects.create(), phone=f"+1201555010{number}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phone_first_profile SET phone = '+12015550102' WHERE phone = '+1 201-555-0102'")
    counts, _ = audit("--fix")
    assert (counts["in order"], counts["rewritten"]) == (1, 1)
    assert set(Profile.objects.values_list("phone", flat=True)) == {"+12015550101", "+12015550102"}


@pytest.mark.parametrize("options", [[], ["--fix"]])
def test_a_rewrite_is_explained_before_it_is_done(add, monkeypatch, options):
    pk = add("+1 201 555 0101")
    monkeypatch.setattr(
        audit_phone_numbers.Command, "fix", lambda command, numbers: command.stdout.write("REWRITTEN") or 0
    )
    _, lines = audit(*options)
    assert lines == [
        *LOOK_UPS.format(model="phone_first.User", column="phone_number").splitlines(),
        *(["REWRITTEN"] if options else []),
    ]
    assert stored(pk) == "+1 201 555 0101"


def test_it_says_nothing_of_look_ups_where_all_is_in_order(add):
    add("+12015550101")
    assert audit("--fix")[1] == []


def test_a_column_that_is_too_short_is_said_and_not_written_to(add, monkeypatch):
    pk = add("2015550101")
    monkeypatch.setattr(User._meta.get_field("phone_number"), "max_length", 11)
    assert audit("--region", "US")[1][0] == "The column holds 11 characters, and needs 16."
    with pytest.raises(CommandError, match="max_length=16"):
        audit("--region", "US", "--fix")
    assert stored(pk) == "2015550101"
