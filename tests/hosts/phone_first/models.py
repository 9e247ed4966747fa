from phone_referrals.base_user import AbstractPhoneUser


class User(AbstractPhoneUser):
    """The host that the package is made for: a phone number is all there is."""
