"""How long deletions take, and how long somebody waits who enters the code of a referrer meanwhile.

    python example_project/postgres.py -- python benchmarks/deletion.py [--friends 500000] [--users 10000]

Makes and drops a database of its own.
"""

import argparse
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from phone_referrals.exceptions import PhoneReferralsError  # noqa: E402
from phone_referrals.models import Referral, ReferralCode  # noqa: E402
from phone_referrals.referrals import codes  # noqa: E402
from phone_referrals.referrals.redeem import redeem  # noqa: E402
from phone_referrals.signin import delete_account  # noqa: E402

ROWS = """
    INSERT INTO {users} (password, is_superuser, is_staff, is_active, date_joined, phone_number)
    SELECT '!', false, false, true, now(), '+1201' || lpad(n::text, 7, '0') FROM generate_series(1, {count}) AS n;
    INSERT INTO {codes} (user_id, active_for_id, code, is_disabled, uses, created_at)
    SELECT id, id, 'A' || id, false, 0, now() FROM {users};
    INSERT INTO {referrals} (referred_id, referrer_id, code, created_at)
    SELECT id, first, 'A' || first, now() FROM (SELECT id, min(id) OVER () AS first FROM {users}) AS numbered
    WHERE id > first AND id < first + {count} - 100;
    ANALYZE
"""


def main(friends: int, users: int) -> None:
    model = get_user_model()
    tables = {
        name: each._meta.db_table
        for name, each in {"users": model, "codes": ReferralCode, "referrals": Referral}.items()
    }
    with connection.cursor() as cursor:
        for statement in ROWS.format(**tables, count=friends + 100).split(";"):
            cursor.execute(statement)
    star = model.objects.order_by("pk")[0]
    star.phone_number = "+12015550100"  # The others have what is no number.
    star.save()
    strangers = list(model.objects.order_by("-pk")[:50])
    waits, is_over = [], threading.Event()

    def enter() -> None:
        for stranger in strangers * 1000:
            if is_over.is_set():
                break
            began = time.monotonic()
            with suppress(PhoneReferralsError):
                redeem(stranger, f"A{star.pk}")
            waits.append(time.monotonic() - began)
            time.sleep(0.05)
        connection.close()

    bystander = threading.Thread(target=enter, daemon=True)
    bystander.start()
    began = time.monotonic()
    with mock.patch.object(delete_account, "check_code"), codes.withdrawn(star):
        delete_account.delete_account(star, code="")
    print(f"a referrer with {friends} friends: {time.monotonic() - began:.1f} s")
    is_over.set()
    bystander.join()
    print(f"longest wait of somebody who enters the code: {max(waits):.2f} s")
    began = time.monotonic()
    model.objects.filter(pk__lte=star.pk + users).delete()
    print(f"a queryset of {users} users who were invited and have codes: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--friends", type=int, default=500_000)
    parser.add_argument("--users", type=int, default=10_000)
    arguments = parser.parse_args()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    config = runner.setup_databases()
    try:
        main(arguments.friends, arguments.users)
    finally:
        runner.teardown_databases(config)
