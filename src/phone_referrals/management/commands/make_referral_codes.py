from argparse import ArgumentParser
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
        "Make referral codes for the users who have none, in batches. It is not needed, because a code is made when it "
        "is first looked at; and it may be stopped and run again."
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
                users = [model(pk=pk) for (pk,) in rows]
                self.make(users, alias)
                made += ReferralCode.objects.using(alias).filter(active_for__in=[pk for (pk,) in rows]).count()
        self.stdout.write(f"Made {made} referral codes.")

    def make(self, users: list[Any], alias: str) -> None:
        """Give each of them a code: all at once, then those whose code was taken one by one."""
        try:
            with transaction.atomic(using=alias):
                new = [codes.new_code(user) for user in users]
                ReferralCode.objects.using(alias).bulk_create(new, ignore_conflicts=True)
        except IntegrityError:
            pass  # One of them was deleted meanwhile.
        having = ReferralCode.objects.using(alias).filter(active_for__in=[user.pk for user in users])
        done = set(having.values_list("active_for", flat=True))
        for user in users:
            if user.pk not in done:
                try:
                    codes.code_of(user)
                except AccountDisabled:
                    continue
