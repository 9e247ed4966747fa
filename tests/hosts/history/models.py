from simple_history.models import HistoricalRecords

from phone_referrals.base_user import AbstractPhoneUser


class User(AbstractPhoneUser):
    """Leaves a row of its history when it is deleted, which points at the user who has deleted it."""

    history = HistoricalRecords()
