from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Sum

from phone_referrals.signin.models import SmsUsage


class Command(BaseCommand):
    help = "Print the messages of each day and region: sent, the segments that are billed, verified, failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="How many days back (default: %(default)s).")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        since = datetime.now(UTC).date() - timedelta(days=days - 1)
        rows = (
            SmsUsage.objects.filter(day__gte=since)
            .exclude(region="")
            .values_list("day", "region")
            .order_by("-day", "region")
            .annotate(Sum("sent"), Sum("segments"), Sum("verified"), Sum("failed"))
        )
        line = "{:<10}  {:<6}  {:>9}  {:>9}  {:>9}  {:>9}  {:>8}"
        self.stdout.write(line.format("day", "region", "sent", "segments", "verified", "failed", "verified"))
        for day, region, sent, segments, verified, failed in rows:
            share = f"{verified / sent:.0%}" if sent else "-"
            self.stdout.write(line.format(str(day), region, sent, segments, verified, failed, share))
