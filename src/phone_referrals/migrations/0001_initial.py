import time

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RedeemedPhone",
            fields=[
                ("digest", models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "redeemed phone",
                "verbose_name_plural": "redeemed phones",
            },
        ),
        migrations.CreateModel(
            name="PhoneVerification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone_number", models.CharField(max_length=16, verbose_name="phone number")),
                ("purpose", models.CharField(max_length=16, verbose_name="purpose")),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("serial", models.BigIntegerField(editable=False, null=True)),
                ("code_expires_at", models.FloatField(null=True, verbose_name="code expires at")),
                ("sent_at", models.JSONField(default=list, editable=False)),
                (
                    "sent_since_success",
                    models.PositiveSmallIntegerField(default=0, verbose_name="messages since the last success"),
                ),
                ("refused_in_a_row", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("resend_at", models.FloatField(null=True, verbose_name="next message from")),
                (
                    "wrong_guesses_since_success",
                    models.PositiveIntegerField(default=0, verbose_name="wrong guesses since the last success"),
                ),
                ("unbound_guesses_at", models.JSONField(default=list, editable=False)),
                ("unbound_guesses_since_success", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("updated_at", models.FloatField(default=time.time, verbose_name="updated at")),
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
            name="QueuedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=255)),
                ("language", models.CharField(max_length=35)),
                ("counted_in", models.JSONField()),
                ("queued_at", models.FloatField()),
                ("due_at", models.FloatField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("is_taken", models.BooleanField(default=False)),
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
        migrations.CreateModel(
            name="SmsUsage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("region", models.CharField(blank=True, max_length=3, verbose_name="region")),
                ("slot", models.PositiveSmallIntegerField(default=0, verbose_name="slot")),
                ("sent", models.PositiveIntegerField(default=0, verbose_name="sent")),
                ("segments", models.PositiveIntegerField(default=0, verbose_name="segments")),
                ("verified", models.PositiveIntegerField(default=0, verbose_name="verified")),
                ("failed", models.PositiveIntegerField(default=0, verbose_name="failed")),
                ("limit_reported", models.BooleanField(default=False, editable=False)),
                ("pause_reported", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "verbose_name": "SMS usage",
                "verbose_name_plural": "SMS usage",
                "constraints": [
                    models.UniqueConstraint(fields=("day", "region", "slot"), name="phone_referrals_one_row_per_slot")
                ],
            },
        ),
        migrations.CreateModel(
            name="UserSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(editable=False, max_length=16)),
                ("key", models.CharField(editable=False, max_length=128, unique=True)),
                ("user_agent", models.CharField(blank=True, max_length=200, verbose_name="user agent")),
                ("signed_in_at", models.FloatField(default=time.time, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phone_referrals_sessions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
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
                    models.Index(fields=["referrer", "-created_at", "-referred"], name="phone_referrals_newest"),
                    models.Index(fields=["created_at"], name="phone_referrals_by_time"),
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
                    "is_disabled",
                    models.BooleanField(
                        db_index=True, default=False, help_text="It can no longer be entered.", verbose_name="disabled"
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
                    "active_for",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="active_phone_referral_code",
                        to=settings.AUTH_USER_MODEL,
                    ),
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
                    models.CheckConstraint(
                        condition=models.Q(("active_for", models.F("user"))),
                        name="phone_referrals_active_for_its_owner",
                    )
                ],
            },
        ),
    ]
