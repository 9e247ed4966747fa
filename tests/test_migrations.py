"""Our own migrations. That they are complete is said in test_models.py."""

from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import SwappableTuple

import phone_referrals.migrations
from phone_referrals.models import PhoneVerification, Referral

OURS = sorted(Path(phone_referrals.migrations.__path__[0]).glob("0*.py"))


def indexes_of_created_at():
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, Referral._meta.db_table)
    return [name for name, each in constraints.items() if each["index"] and each["columns"] == ["created_at"]]


def test_nothing_of_a_host_is_named():
    loader = MigrationLoader(None)
    assert OURS
    for file in OURS:
        migration = loader.get_migration("phone_referrals", file.stem)
        on_others = [each for each in migration.dependencies if each[0] != "phone_referrals"]
        # What follows AUTH_USER_MODEL is written as the name of that setting.
        assert all(isinstance(each, SwappableTuple) for each in on_others)
        hosts = [app.label for app in apps.get_app_configs() if app.name.startswith("tests.")]
        assert hosts
        assert not [label for label in hosts if label in file.read_text()]


def test_a_host_that_changes_its_own_models_never_waits_for_us():
    """Our tables point at the user model, never the other way round: the graph has no circle to untie."""
    loader = MigrationLoader(None)
    hosts = [migration for (app, _), migration in loader.disk_migrations.items() if app == "phone_first"]
    assert hosts
    assert not [each for migration in hosts for each, _ in migration.dependencies if each == "phone_referrals"]


@pytest.mark.django_db
def test_referrals_have_one_index_by_time():
    assert indexes_of_created_at() == ["phone_referrals_by_time"]


@pytest.mark.django_db(transaction=True)
def test_the_tables_can_be_dropped_and_made_again():
    call_command("migrate", "phone_referrals", "zero", verbosity=0)
    try:
        assert not [name for name in connection.introspection.table_names() if name.startswith("phone_referrals_")]
    finally:
        call_command("migrate", "phone_referrals", verbosity=0)
    assert indexes_of_created_at() == ["phone_referrals_by_time"]
    PhoneVerification.objects.create(phone_number="+12015550100", purpose="sign_in")
