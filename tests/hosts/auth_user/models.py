from django.conf import settings  # +
from django.db import models  # +
from phonenumber_field.modelfields import PhoneNumberField  # +


class Phone(models.Model):  # +
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)  # +
    number = PhoneNumberField(unique=True)  # +

    def __str__(self) -> str:
        return f"phone {self.pk}"
