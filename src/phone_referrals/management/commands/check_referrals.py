from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import router
from django.db.models import Exists, OuterRef, QuerySet

from phone_referrals.referrals import tree
from phone_referrals.referrals.models import Referral, ReferralCode

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Find damage that the database and the locks rule out, but a restored backup or a manual statement may cause: "
        "circles of referrals, and referrals and codes of missing users. It changes nothing, and fails if it finds any."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        alias = router.db_for_read(Referral)
        referrals, codes = Referral.objects.using(alias), ReferralCode.objects.using(alias)
        found = {
            "referrals in a circle or below one": tree.in_circles(using=alias),
            "referrals of an invited user who is not there": self.orphans(referrals, "referred_id"),
            "referrals by a referrer who is not there": self.orphans(referrals.exclude(referrer=None), "referrer_id"),
            "codes of a user who is not there": self.orphans(codes, "user_id"),
        }
        for what, keys in found.items():
            shown = ", ".join(map(str, keys[:SHOWN])) + (", …" if len(keys) > SHOWN else "")
            self.stdout.write(f"{len(keys)} {what}{f': {shown}' if keys else ''}")
        if any(found.values()):
            raise CommandError("The referrals are damaged.")

    def orphans(self, rows: QuerySet[Any], column: str) -> list[Any]:
        """Return the keys of the rows whose user is missing."""
        users = get_user_model()._base_manager.using(rows.db).filter(pk=OuterRef(column))
        return list(rows.exclude(Exists(users)).order_by("pk").values_list("pk", flat=True))
