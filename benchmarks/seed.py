"""Fills a contender's tables by SQL: users with tokens and codes, a star with many invitees, and a tree below those.

User 1 invited the users 2 to STAR + 1; every other user `n` was invited by `n / 16`, but the last ones, the newcomers,
who have nobody yet. So what is asked for in the calls has the same shape in tables of every size.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OURS = """
    INSERT INTO accounts_user (id, password, is_superuser, phone_number, is_staff, is_active, date_joined)
    SELECT n, '!', false, {phone}, false, true, now() FROM generate_series(1, {users}) AS n;
    INSERT INTO authtoken_token (key, user_id, created)
    SELECT {token}, n, now() FROM generate_series(1, {users}) AS n;
    INSERT INTO phone_referrals_referralcode (user_id, active_for_id, code, is_disabled, uses, created_at)
    SELECT n, n, {code}, false, 0, now() FROM generate_series(1, {users}) AS n;
    INSERT INTO phone_referrals_phoneverification (phone_number, purpose, version, wrong_guesses_since_success,
        sent_at, sent_since_success, refused_in_a_row, unbound_guesses_at, unbound_guesses_since_success, updated_at)
    SELECT {phone}, 'sign_in', 0, 0, '[]', 0, 0, '[]', 0, extract(epoch FROM now())
    FROM generate_series(1, {users}) AS n;
    INSERT INTO phone_referrals_referral (referred_id, referrer_id, code, created_at)
    SELECT n, {referrer}, 'X', now() - n * interval '1 second' FROM generate_series(2, {referred}) AS n;
    SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), {users});
"""
FLOOR = """
    INSERT INTO floor_user (id, phone_number, is_active, date_joined)
    SELECT n, {phone}, true, now() FROM generate_series(1, {users}) AS n;
    INSERT INTO floor_token (key, user_id, created)
    SELECT {token}, n, now() FROM generate_series(1, {users}) AS n;
    INSERT INTO floor_referralcode (user_id, code)
    SELECT n, {code} FROM generate_series(1, {users}) AS n;
    INSERT INTO floor_referral (referred_id, referrer_id, created_at)
    SELECT n, {referrer}, now() - n * interval '1 second' FROM generate_series(2, {referred}) AS n;
    SELECT setval(pg_get_serial_sequence('floor_user', 'id'), {users});
"""
# Numbers of the 555 exchanges, but for those from 0100 to 0199, with which people sign up.
LINES = 9000
# Those who read, are read and come back are drawn from all, or a large table would be no more than a few hot pages.
DRAWN = 20_000


@dataclass(frozen=True, kw_only=True)
class Seed:
    """How many rows a contender begins with, and which of its users do what."""

    star: int
    newcomers: int
    users: int

    @property
    def referred(self) -> int:
        return self.users - self.newcomers

    @property
    def readers(self) -> list[int]:
        """Users who were invited and have invited sixteen."""
        return draw(range((self.star + 2) // 16 + 1, self.referred // 16))

    @property
    def owners(self) -> list[int]:
        """Users two levels below the star, whose codes are entered."""
        return draw(range(self.star + 2, min(16 * self.star, self.referred)))

    def phones(self, areas: list[int]) -> Iterator[str]:
        """Yield the phones of users, each of them once."""
        return (f"+1{areas[n // LINES]}555{1000 + n % LINES}" for n in draw(range(1, self.users)))

    def sql(self, script: str, areas: list[int]) -> str:
        return script.format(
            users=self.users,
            referred=self.referred,
            phone=f"'+1' || (ARRAY{areas})[1 + n / {LINES}] || '555' || 1000 + n % {LINES}",
            token="lpad(to_hex(n), 40, '0')",
            code="upper(lpad(to_hex(n), 6, '0'))",
            referrer=f"CASE WHEN n <= {self.star + 1} THEN 1 ELSE n / 16 END",
        )

    def load(self, connection: Any, script: str, areas: list[int]) -> None:
        for statement in self.sql(script, areas).split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")


def draw(users: range) -> list[int]:
    return random.sample(users, min(len(users), DRAWN))


def token_of(user: int) -> str:
    return f"{user:040x}"


def code_of(user: int) -> str:
    return f"{user:06X}"
