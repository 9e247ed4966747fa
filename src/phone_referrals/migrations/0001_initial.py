from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def add_brin_index(apps: Any, schema_editor: Any) -> None:
    """Index the time of referrals for reports by date: a few kilobytes, where a B-tree would take gigabytes."""
    if schema_editor.connection.vendor != "postgresql":
        return
    referral = apps.get_model("phone_referrals", "Referral")._meta
    table, column = map(schema_editor.quote_name, (referral.db_table, referral.get_field("created_at").column))
    schema_editor.execute(f"CREATE INDEX phone_referrals_created_brin ON {table} USING brin ({column})")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PhoneVerification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone_number", models.CharField(max_length=16, verbose_name="phone number")),
                ("purpose", models.CharField(max_length=16, verbose_name="purpose")),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("serial", models.BigIntegerField(editable=False, null=True)),
                ("code_expires_at", models.DateTimeField(null=True, verbose_name="code expires at")),
                (
                    "wrong_guesses",
                    models.PositiveSmallIntegerField(default=0, verbose_name="wrong guesses of this code"),
                ),
                (
                    "wrong_guesses_since_success",
                    models.PositiveIntegerField(default=0, verbose_name="wrong guesses since the last success"),
                ),
                ("sent_at", models.JSONField(default=list, editable=False)),
                (
                    "sent_since_success",
                    models.PositiveSmallIntegerField(default=0, verbose_name="messages since the last success"),
                ),
                ("resend_at", models.DateTimeField(null=True, verbose_name="next message from")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated at")),
            ],
            options={
                "verbose_name": "phone verification",
                "verbose_name_plural": "phone verifications",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("phone_number", "purpose"), name="phone_referrals_one_row_per_purpose"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                (
                    "referred",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="phone_referral",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited user",
                    ),
                ),
                ("code", models.CharField(help_text="The code that was entered.", max_length=32, verbose_name="code")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "referrer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="phone_referrals",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="referrer",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral",
                "verbose_name_plural": "referrals",
                "indexes": [
                    models.Index(fields=["referrer", "-created_at", "-referred"], name="phone_referrals_newest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("referrer", models.F("referred")), _negated=True),
                        name="phone_referrals_not_oneself",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReferralCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        help_text="Stored folded: O is 0, I and L are 1.",
                        max_length=32,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="The code that its owner is shown.", verbose_name="active"
                    ),
                ),
                (
                    "is_disabled",
                    models.BooleanField(
                        default=False, help_text="It can no longer be entered.", verbose_name="disabled"
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                ("max_uses", models.PositiveIntegerField(blank=True, null=True, verbose_name="maximum uses")),
                ("uses", models.PositiveIntegerField(default=0, editable=False, verbose_name="counted uses")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phone_referral_codes",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral code",
                "verbose_name_plural": "referral codes",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("user",),
                        name="phone_referrals_one_active_code",
                    )
                ],
            },
        ),
        migrations.RunPython(add_brin_index, migrations.RunPython.noop),
    ]
