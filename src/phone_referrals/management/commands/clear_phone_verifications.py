from argparse import ArgumentParser
from time import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import router, transaction
from django.db.models import F

from phone_referrals.management.batches import batches, stoppable
from phone_referrals.signin.models import PhoneVerification
from phone_referrals.signin.policy import DAY

# A message counts for a day after its code has ended; 2 days are more than any setting makes of that.
LEAST_DAYS = 2


class Command(BaseCommand):
    help = (
        "Delete old phone verifications, as clearsessions deletes sessions. Phones with wrong guesses keep theirs: "
        "a new one would allow as many guesses again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=30, help="Keep those used within the last so many days (default: %(default)s)."
        )

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if days < LEAST_DAYS:
            raise CommandError(f"--days must be {LEAST_DAYS} or more: the messages of a day are counted in them.")
        idle = PhoneVerification.objects.using(router.db_for_write(PhoneVerification)).filter(
            updated_at__lt=time() - days * DAY, wrong_guesses_since_success=0
        )
        deleted = 0
        with stoppable():
            for batch in batches(idle, columns=[]):
                # The condition again: one may have been used meanwhile.
                rows = idle.filter(pk__in=[pk for (pk,) in batch])
                with transaction.atomic(using=idle.db):
                    # A lock, on every database: Django reads the keys, and deletes by them alone. A request
                    # that waits for it to write a guess or a new code finds another version, and begins again.
                    deleted += rows.update(version=F("version") + 1)
                    rows.delete()
        self.stdout.write(f"Deleted {deleted} phone verifications.")
