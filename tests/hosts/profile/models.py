from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver


class Profile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    phone = models.CharField(max_length=20, unique=True, null=True, blank=True)
    city = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"profile {self.pk}"


@receiver(post_save, sender=User)
def create_profile(instance: User, *, created: bool, **kwargs: Any) -> None:
    """As sites of this kind do."""
    if created:
        Profile(user=instance).save()
