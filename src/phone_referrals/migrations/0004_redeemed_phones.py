import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("phone_referrals", "0003_sessions"),
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
    ]
