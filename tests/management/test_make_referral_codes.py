from io import StringIO
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from phone_referrals import statements
from phone_referrals.management.commands.make_referral_codes import Command
from phone_referrals.models import ReferralCode
from phone_referrals.referrals import codes
from tests.people import add_users

pytestmark = pytest.mark.django_db


def make(*arguments):
    output = StringIO()
    call_command("make_referral_codes", *arguments, stdout=output)
    return output.getvalue()


def test_every_user_without_a_code_gets_one():
    users = add_users(5)
    own = codes.code_of(users[2])
    assert make("--batch", "2") == "Made 4 referral codes.\n"
    assert ReferralCode.objects.exclude(active_for=None).count() == 5
    assert codes.code_of(users[2]) == own
    assert make() == "Made 0 referral codes.\n"


def test_a_batch_has_a_user():
    for batch in ("0", "-1"):
        with pytest.raises(CommandError, match="--batch must be 1 or more"):
            make("--batch", batch)


def test_statements_grow_with_batches_and_not_with_users(django_assert_max_num_queries):
    add_users(100)
    with django_assert_max_num_queries(8):
        make()


def test_a_code_that_is_taken_is_made_again(monkeypatch):
    add_users(3)
    numbers = count()
    monkeypatch.setattr(codes, "generate", lambda length: f"A{max(0, next(numbers) - 1)}")
    assert make() == "Made 3 referral codes.\n"


def test_it_goes_on_where_it_was_stopped(monkeypatch):
    add_users(4)
    calls, generate = count(1), codes.generate

    def stopped_at_the_third(length):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return generate(length)

    monkeypatch.setattr(codes, "generate", stopped_at_the_third)
    with pytest.raises(CommandError, match="again to go on"):
        make("--batch", "2")
    assert ReferralCode.objects.count() == 2
    assert make("--batch", "2") == "Made 2 referral codes.\n"


def test_a_user_deleted_meanwhile_costs_the_others_nothing(monkeypatch):
    users = add_users(3)
    make_codes = Command.make

    def make_after_a_deletion(command, batch, alias):
        get_user_model().objects.filter(pk=users[0].pk).delete()
        return make_codes(command, batch, alias)

    def bulk_create(queryset, rows, **options):
        raise IntegrityError("as the database says when it is committed")

    monkeypatch.setattr(Command, "make", make_after_a_deletion)
    monkeypatch.setattr(type(ReferralCode.objects.all()), "bulk_create", bulk_create)
    insert = statements.insert

    def checked(code, *, using):
        # SQLite and PostgreSQL look at the end of a transaction, which a test does not come to.
        if not get_user_model().objects.filter(pk=code.user_id).exists():
            raise IntegrityError("there is no such user")
        return insert(code, using=using)

    monkeypatch.setattr(statements, "insert", checked)
    assert make() == "Made 2 referral codes.\n"
    assert ReferralCode.objects.count() == 2
