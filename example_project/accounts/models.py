from phone_referrals.base_user import AbstractPhoneUser


class User(AbstractPhoneUser):
    """A user who signs in by phone. Your own fields go here."""
