import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("phone_referrals", "0005_admin_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueuedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=255)),
                ("language", models.CharField(max_length=35)),
                ("counted_in", models.JSONField()),
                ("queued_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("maybe_sent", models.BooleanField(default=False)),
                (
                    "verification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="queued_codes",
                        to="phone_referrals.phoneverification",
                    ),
                ),
            ],
            options={
                "verbose_name": "queued code",
                "verbose_name_plural": "queued codes",
            },
        ),
    ]
