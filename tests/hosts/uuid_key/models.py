from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from phone_referrals.base_user import PhoneUserMixin  # +


class PersonManager(BaseUserManager["Person"]):
    """The host's own: it knows nothing of phones."""


class Person(AbstractBaseUser, PhoneUserMixin):  # +
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(unique=True, null=True, blank=True)
    is_active = models.BooleanField(default=True)

    objects = PersonManager()

    USERNAME_FIELD = "email"
