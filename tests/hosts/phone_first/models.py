from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from phone_referrals.base_user import AbstractPhoneUser, PhoneUserMixin  # +


class User(AbstractPhoneUser):  # +
    """The host that the package is made for: a phone number is all there is."""


class Profile(models.Model):
    """A number beside the user: `PHONE_REFERRALS_PHONE_FIELD = "profile__phone"`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    phone = PhoneNumberField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["phone"], name="one_profile_per_phone")]

    def __str__(self) -> str:
        return f"profile {self.pk}"


class PresentMembers(models.Manager["Member"]):
    def get_queryset(self) -> models.QuerySet["Member"]:
        return super().get_queryset().filter(has_left=False)


class Member(PhoneUserMixin, AbstractBaseUser):
    """A user who must have a username, and may be hidden: `AUTH_USER_MODEL = "phone_first.Member"`."""

    username = models.CharField(max_length=150, unique=True)
    has_left = models.BooleanField(default=False)

    objects = PresentMembers()

    USERNAME_FIELD = "username"
