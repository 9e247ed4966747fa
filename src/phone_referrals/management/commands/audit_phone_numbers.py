import sqlite3
from argparse import ArgumentParser
from collections import Counter
from contextlib import closing
from itertools import chain
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, models, router, transaction
from django.db.models.functions import Cast

from phone_referrals import phones
from phone_referrals.conf import conf
from phone_referrals.exceptions import InvalidPhoneNumber
from phone_referrals.management.batches import batches, stoppable

# Printed before anything is written, and by every run without --fix.
LOOK_UPS = """\
--fix writes +12015550100 for (201) 555-0100. Code of yours that looks up {model}.{column} by the spelling of before
finds nobody afterwards, and may make second accounts. Read what people type with phone_referrals.phones.parse(), or
make the column a phonenumber_field.modelfields.PhoneNumberField, which reads every look-up."""


class Command(BaseCommand):
    help = (
        "Read the phones of your users, and report those by which no user would be found: phones in another spelling "
        "than the canonical one, phones that two users would share, invalid phones, and phones without a region. "
        "The command writes nothing without --fix."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="Rewrite the other spellings that nobody else has.")
        parser.add_argument("--region", help="Read numbers without a country code as numbers of this one, such as US.")

    def handle(self, *args: Any, fix: bool, region: str | None, **options: Any) -> None:
        self.region = region.upper() if region else None
        *relations, self.column = conf.phone_field.split("__")
        model: Any = get_user_model()
        for relation in relations:
            model = model._meta.get_field(relation).related_model
        self.alias = router.db_for_write(model)
        # The base manager: a row that a default manager hides holds its number all the same.
        rows = model._base_manager.using(self.alias)
        # The stored text, not the value that the field makes of it.
        self.rows = rows.annotate(stored=Cast(self.column, models.CharField())).exclude(stored=None).exclude(stored="")
        self.field = model._meta.get_field(self.column)
        if phones.is_too_short(self.field):
            self.stdout.write(f"The column holds {self.field.max_length} characters, and needs {phones.MAX_LENGTH}.")
            if fix:
                raise CommandError(f"Give the field max_length={phones.MAX_LENGTH}, migrate, and run --fix again.")
        # On disk: the phones of a large site would fill the memory.
        with stoppable(), closing(sqlite3.connect("")) as numbers:
            numbers.execute("CREATE TABLE numbers (number TEXT, pk TEXT)")
            counts = self.read(numbers)
            counts["shared by several users"] = self.report_shared(numbers)
            if counts["in another spelling"]:
                self.stdout.write(LOOK_UPS.format(model=model._meta.label, column=self.column))
            if fix:
                counts["rewritten"] = self.fix(numbers)
        for what, count in counts.items():
            self.stdout.write(f"{count} {what}")

    def read(self, numbers: sqlite3.Connection) -> Counter[str]:
        """Count the phones by their state, print the invalid ones, and note the users of each number."""
        counts = Counter({"in order": 0, "in another spelling": 0, "invalid": 0, "without a region": 0})
        has_region = bool(self.region or getattr(settings, "PHONENUMBER_DEFAULT_REGION", None))
        for pk, stored in chain.from_iterable(batches(self.rows, columns=["stored"])):
            number = self.canonical(stored)
            if number is None:
                what = "invalid" if stored.strip().startswith("+") or has_region else "without a region"
                self.stdout.write(f"{what}: {pk} ({phones.mask(stored)})")
            else:
                what = "in order" if self.is_canonical(stored, number) else "in another spelling"
                numbers.execute("INSERT INTO numbers VALUES (?, ?)", [number, str(pk)])
            counts[what] += 1
        numbers.execute("CREATE INDEX by_number ON numbers (number)")
        return counts

    def report_shared(self, numbers: sqlite3.Connection) -> int:
        """Print the users who would share a number; return how many numbers."""
        shared = "SELECT number, group_concat(pk, ', ') FROM numbers GROUP BY number HAVING count(*) > 1"
        count = 0
        for number, pks in numbers.execute(shared):
            self.stdout.write(f"shared: {pks} ({phones.mask(number)})")
            count += 1
        return count

    def fix(self, numbers: sqlite3.Connection) -> int:
        """Rewrite each other spelling of a number that one user has; return how many. Run again, it goes on."""
        rewritten = 0
        for batch in batches(self.rows, columns=["stored"]):
            with transaction.atomic(using=self.alias):
                for pk, stored in batch:
                    number = self.canonical(stored)
                    if number is None or self.is_canonical(stored, number):
                        continue
                    holders = numbers.execute("SELECT count(*) FROM numbers WHERE number = ?", [number]).fetchone()
                    rewritten += holders == (1,) and self.rewrite(pk, stored, number)
        return rewritten

    def rewrite(self, pk: Any, stored: str, number: str) -> int:
        try:
            with transaction.atomic(using=self.alias):
                # If it still is what was read.
                return int(self.rows.filter(pk=pk, stored=stored).update(**{self.column: number}))
        except IntegrityError:
            return 0  # Somebody else has taken it meanwhile.

    def canonical(self, stored: str) -> str | None:
        try:
            return phones.parse(stored, self.region)
        except InvalidPhoneNumber:
            return None

    def is_canonical(self, stored: str, number: str) -> bool:
        """Return whether it is as the host's field writes it, by which a user is found."""
        return bool(stored == self.field.get_prep_value(number))
