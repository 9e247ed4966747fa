from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, router, transaction
from django.db.models import Exists, OuterRef

from phone_referrals.exceptions import AccountDisabled
from phone_referrals.management.batches import SIZE, batches, stoppable
from phone_referrals.referrals import codes
from phone_referrals.referrals.models import ReferralCode


class Command(BaseCommand):
    help = (
        "Make referral codes for the users without one, in batches. This is optional: a code is made when it is first "
        "needed. You can stop the command and run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=SIZE, help="Users at a time (default: %(default)s).")

    def handle(self, *args: Any, batch: int, **options: Any) -> None:
        if batch < 1:
            raise CommandError("--batch must be 1 or more.")
        model, alias = get_user_model(), router.db_for_write(ReferralCode)
        active = ReferralCode.objects.using(alias).filter(active_for=OuterRef("pk"))
        without = model._base_manager.using(alias).exclude(Exists(active))
        made = 0
        with stoppable():
            for rows in batches(without, columns=[], size=batch):
                made += self.make([model(pk=pk) for (pk,) in rows], alias)
        self.stdout.write(f"Made {made} referral codes.")

    def make(self, users: list[Any], alias: str) -> int:
        """Give each user a code: all at once, then one by one where the code was taken. Return how many have one."""
        rows = ReferralCode.objects.using(alias)
        with suppress(IntegrityError), transaction.atomic(using=alias):  # One of them was deleted meanwhile.
            rows.bulk_create([codes.new_code(user) for user in users], ignore_conflicts=True)
        having = set(rows.filter(active_for__in=[user.pk for user in users]).values_list("active_for", flat=True))
        for user in users:
            if user.pk not in having:
                with suppress(AccountDisabled):
                    having.add(codes.code_of(user).user_id)
        return len(having)
