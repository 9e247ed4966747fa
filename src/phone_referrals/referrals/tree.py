"""Walks over the referrals. They form a forest: everybody has one referrer at most, and there are no circles.

Only the edges are stored; `WITH RECURSIVE` walks them by index on PostgreSQL, SQLite, MySQL 8 and MariaDB.
"""

from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections

from phone_referrals.referrals.models import Referral

MAX_LEVELS = 3
MAX_ROWS = 1000


def root_above(pk: Any, *, using: str) -> Any:
    """Return the primary key of the topmost referrer above the user `pk`: its own, where nobody invited it.

    `None` where damaged data has a circle and so no top. UNION, never UNION ALL: that ends in such a circle too.
    """
    # A user whose row has no referrer is a top as well: the referrer was deleted.
    # Subqueries, not joins: for a join PostgreSQL expects so many rows that it reads a table of thousands whole.
    sql = """
        WITH RECURSIVE above(pk, referrer) AS (
            SELECT {user_pk}, (SELECT {referrer} FROM {referrals} WHERE {referred} = {user_pk})
            FROM {users} WHERE {user_pk} = %s
            UNION
            SELECT above.referrer, (SELECT {referrer} FROM {referrals} WHERE {referred} = above.referrer)
            FROM above WHERE above.referrer IS NOT NULL
        )
        SELECT pk FROM above WHERE referrer IS NULL
    """
    tops = _keys(sql, [_prepared(pk, using)], using)
    return tops[0] if tops else None


def people_above(pk: Any, *, limit: int, using: str) -> list[Any]:
    """Return the primary keys of the referrer of the user `pk`, of that one's referrer and so on, `limit` at most."""
    sql = """
        WITH RECURSIVE above(pk, level) AS (
            SELECT {referrer}, 1 FROM {referrals} WHERE {referred} = %s
            UNION ALL
            SELECT {referrer}, level + 1 FROM {referrals} JOIN above ON {referred} = above.pk WHERE level < %s
        )
        SELECT pk FROM above WHERE pk IS NOT NULL ORDER BY level
    """
    return _keys(sql, [_prepared(pk, using), limit], using)


def levels_below(pk: Any, *, using: str) -> tuple[list[int], bool]:
    """Return how many people each level below the user `pk` has, and whether there are more than were counted.

    The walk is `MAX_LEVELS` deep and ends after `MAX_ROWS` people.
    """
    sql = "SELECT level, COUNT(*) FROM (SELECT level FROM below LIMIT %s) AS counted GROUP BY level"
    counts = dict(_below(sql, pk, limit=MAX_ROWS + 1, using=using))
    levels = [counts.get(level, 0) for level in range(1, MAX_LEVELS + 1)]
    capped = sum(levels) > MAX_ROWS
    if capped:
        levels[max(counts) - 1] -= 1  # The last one only shows that there are more.
    return levels, capped


def people_below(pk: Any, *, limit: int, using: str) -> list[tuple[Any, Any]]:
    """Return the primary keys of people below the user `pk` and of their referrers, level by level, `limit` at most.

    The walk is `MAX_LEVELS` deep.
    """
    to_python = get_user_model()._meta.pk.to_python
    rows = _below("SELECT pk, referrer FROM below LIMIT %s", pk, limit=limit, using=using)
    return [(to_python(referred), to_python(referrer)) for referred, referrer in rows]


def _below(select: str, pk: Any, *, limit: int, using: str) -> list[Any]:
    walk = """
        WITH RECURSIVE below(pk, referrer, level) AS (
            SELECT {referred}, {referrer}, 1 FROM {referrals} WHERE {referrer} = %s
            UNION ALL
            SELECT {referred}, {referrer}, level + 1 FROM {referrals} JOIN below ON {referrer} = below.pk
            WHERE level < %s
        )
    """
    return _rows(walk + select, [_prepared(pk, using), MAX_LEVELS, limit], using)


def in_circles(*, using: str) -> list[Any]:
    """Return the primary keys of the referrals that damaged data has in a circle or below one, which have no top."""
    # A join: NOT IN would compare each referral with all that were reached, once these are too many to be hashed.
    sql = """
        WITH RECURSIVE reached(pk) AS (
            SELECT {referred} FROM {referrals} WHERE {referrer} IS NULL
            OR NOT EXISTS (SELECT 1 FROM {referrals} AS above WHERE above.{referred_column} = {referrer})
            UNION
            SELECT {referred} FROM {referrals} JOIN reached ON {referrer} = reached.pk
        )
        SELECT {referred} FROM {referrals} LEFT JOIN reached ON {referred} = reached.pk
        WHERE reached.pk IS NULL ORDER BY {referred}
    """
    return _keys(sql, [], using)


def _prepared(pk: Any, using: str) -> Any:
    """Return a user's key as the database takes it."""
    return get_user_model()._meta.pk.get_db_prep_value(pk, connections[using])


def _keys(sql: str, parameters: list[Any], using: str) -> list[Any]:
    """Return the users' keys that a statement answers with."""
    to_python = get_user_model()._meta.pk.to_python
    return [to_python(pk) for (pk,) in _rows(sql, parameters, using)]


def _rows(sql: str, parameters: list[Any], using: str) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(with_names(sql, using), parameters)
        return list(cursor.fetchall())


@cache
def with_names(sql: str, using: str) -> str:
    """Fill in the quoted names of tables and columns: identifiers of the models, nothing that a client sends."""
    quote: Any = connections[using].ops.quote_name
    user, referral = get_user_model()._meta, Referral._meta
    users, table = quote(user.db_table), quote(referral.db_table)
    return sql.format(
        users=users,
        user_pk=f"{users}.{quote(user.pk.column)}",
        referrals=table,
        referred=f"{table}.{quote(referral.get_field('referred').column)}",
        referrer=f"{table}.{quote(referral.get_field('referrer').column)}",
        referred_column=quote(referral.get_field("referred").column),
    )
