"""Print how many bytes a row takes, with its indexes, on PostgreSQL.

    python example_project/postgres.py -- python -m ci.scaling.sizes

fills the tables of the example site with 200,000 users who have signed in once, nearly all of them invited.
"""

import os
import sys
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

ROWS = 200_000
TABLES = {
    "accounts_user": "(password, is_superuser, is_staff, is_active, date_joined, phone_number) "
    "SELECT '!' || repeat('x', 40), false, false, true, now(), '+1201' || lpad(i::text, 7, '0')",
    "authtoken_token": "(key, created, user_id) SELECT md5(i::text) || '12345678', now(), i",
    "phone_referrals_phoneverification": "(phone_number, purpose, version, wrong_guesses_since_success, sent_at, "
    "sent_since_success, refused_in_a_row, unbound_guesses_at, unbound_guesses_since_success, updated_at) "
    "SELECT '+1201' || lpad(i::text, 7, '0'), 'sign_in', 2, 0, '[[1763913600.123456, 0, \"\"]]', 0, 0, '[]', 0, "
    "extract(epoch FROM now())",
    "phone_referrals_referralcode": "(code, is_disabled, uses, created_at, user_id, active_for_id) "
    "SELECT 'A' || upper(to_hex(i)), false, 0, now(), i, i",
    "phone_referrals_referral": "(code, created_at, referred_id, referrer_id) "
    "SELECT 'ABC123', now() + i * interval '1 ms', i, CASE WHEN i > 10 THEN i / 10 END",
}


def main():
    sys.path.insert(0, str(Path(__file__).parents[2] / "example_project"))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "SECRET_KEY": "of nothing"}
    django.setup()
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        for table, insert in TABLES.items():
            cursor.execute(f"INSERT INTO {table} {insert} FROM generate_series(1, {ROWS}) i")
            cursor.execute("SELECT pg_relation_size(%s), pg_total_relation_size(%s)", [table, table])
            alone, in_all = (round(size / ROWS) for size in cursor.fetchone())
            print(f"{table:<36} {alone:>5} {in_all:>5} with indexes")


if __name__ == "__main__":
    main()
