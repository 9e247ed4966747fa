from django.contrib.auth.models import AbstractUser

from phone_referrals.base_user import PhoneUserMixin  # +


class User(AbstractUser, PhoneUserMixin):  # +
    """The mixin is last: the first base gives the model its names, and a migration would change them."""
