from typing import Any

from django.db import migrations


def drop_brin_index(apps: Any, schema_editor: Any) -> None:
    """Drop the index of 0001: the one of 0005, which the admin needs, is on the same column."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS phone_referrals_created_brin")


class Migration(migrations.Migration):
    dependencies = [
        ("phone_referrals", "0006_queued_codes"),
    ]

    operations = [
        migrations.RunPython(drop_brin_index, migrations.RunPython.noop),
    ]
