from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("phone_referrals", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="SmsUsage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("region", models.CharField(blank=True, max_length=3, verbose_name="region")),
                ("slot", models.PositiveSmallIntegerField(default=0, verbose_name="slot")),
                ("sent", models.PositiveIntegerField(default=0, verbose_name="sent")),
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
        )
    ]
