from typing import Any

from django.core.management.base import BaseCommand

from phone_referrals.accounts import get_accounts
from phone_referrals.models import Referral
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem

# Users and their referrers. The numbers 555-0100 to 555-0199 are reserved for fiction, so no message reaches anybody.
NETWORK = {
    "+12015550100": None,
    "+12015550101": "+12015550100",
    "+12015550102": "+12015550100",
    "+12015550103": "+12015550101",
    "+12015550104": "+12015550101",
    "+12015550105": None,
}


class Command(BaseCommand):
    help = "Create a few users who invited each other. Existing users stay as they are."

    def handle(self, **_options: Any) -> None:
        accounts = get_accounts()
        codes: dict[str, str] = {}
        for phone_number, referrer in NETWORK.items():
            user = accounts.find(phone_number) or accounts.create(phone_number)
            codes[phone_number] = code_of(user).code
            if referrer and not Referral.objects.filter(referred_id=user.pk).exists():
                redeem(user, codes[referrer])
            self.stdout.write(f"{phone_number}  code {codes[phone_number]}  invited by {referrer or 'nobody'}")
