from django.db import models
from django.utils import timezone


class User(models.Model):
    phone_number = models.CharField(max_length=16, unique=True)
    is_active = models.BooleanField(default=True)
    last_login = models.DateTimeField(null=True)
    date_joined = models.DateTimeField(default=timezone.now)


class Code(models.Model):
    phone_number = models.CharField(primary_key=True, max_length=16)
    code = models.CharField(max_length=6)
    sent_at = models.DateTimeField(null=True)


class Token(models.Model):
    key = models.CharField(primary_key=True, max_length=40)
    user = models.OneToOneField(User, models.CASCADE)
    created = models.DateTimeField(default=timezone.now)


class ReferralCode(models.Model):
    code = models.CharField(primary_key=True, max_length=6)
    user = models.OneToOneField(User, models.CASCADE)


class Referral(models.Model):
    referred = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="referral")
    referrer = models.ForeignKey(User, models.CASCADE, related_name="invitees", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["referrer", "-created_at", "-referred"], name="newest")]
