from django.contrib.auth.models import AbstractUser
from django.db import models

from phone_referrals.base_user import PhoneUserMixin  # +


class User(AbstractUser, PhoneUserMixin):  # +
    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True, null=True, blank=True)  # type: ignore[assignment]  # +

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    def clean(self) -> None:  # +
        super().clean()  # Turns None into an empty text, which only one user could have.  # +
        self.email = self.email or None  # pyright: ignore  # +
