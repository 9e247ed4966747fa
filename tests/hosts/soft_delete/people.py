from typing import Any

from django.utils import timezone

from phone_referrals.accounts import PhoneAccounts


class Accounts(PhoneAccounts):
    keeps_users = True

    def delete(self, user: Any) -> None:
        user.deleted_at = timezone.now()
        user.save()
