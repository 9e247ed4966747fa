from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class User(AbstractBaseUser):
    email = models.EmailField(null=True)
    phone = models.CharField(max_length=16, unique=True, null=True)
    phone_verified = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()
    USERNAME_FIELD = "phone"
