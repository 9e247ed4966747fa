from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("phone_referrals", "0004_redeemed_phones"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(fields=["created_at"], name="phone_referrals_by_time"),
        ),
        migrations.AddIndex(
            model_name="referralcode",
            index=models.Index(
                condition=models.Q(("is_disabled", True)), fields=["user"], name="phone_referrals_disabled"
            ),
        ),
    ]
