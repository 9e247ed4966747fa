from typing import Any

from django.db import models

from phone_referrals.base_user import AbstractPhoneUser, PhoneUserManager


class ShownManager(PhoneUserManager):
    def get_queryset(self) -> models.QuerySet[Any]:
        users: models.QuerySet[Any] = super().get_queryset()
        return users.filter(deleted_at=None)


class User(AbstractPhoneUser):
    """Is never deleted: the manager hides the row, and `is_active` stays as it was."""

    deleted_at = models.DateTimeField(null=True, blank=True)
    is_banned = models.BooleanField(default=False)

    objects = ShownManager()
    everybody = models.Manager()
