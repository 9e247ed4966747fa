"""Statements on a row or two, written out: to compile as little as this takes the ORM longer than to run it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models


def update(
    model: type[models.Model],
    *,
    using: str,
    where: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    increment: str = "",
    below: int | None = None,
) -> bool:
    """Write `values` to the row that is as `where` says; return whether there was one.

    Count one more in its column `increment`, where there are fewer than `below`.
    """
    connection = connections[using]
    quote: Any = connection.ops.quote_name
    assigned: list[str] = []
    conditions: list[str] = []
    parameters: list[Any] = []
    for texts, columns in ((assigned, values or {}), (conditions, where)):
        for name, value in columns.items():
            field: Any = model._meta.get_field(name)
            texts.append(f"{quote(field.column)} = %s")
            parameters.append(field.get_db_prep_save(value, connection))
    if increment:
        counted = quote(increment)
        assigned.append(f"{counted} = {counted} + 1")
        if below is not None:
            conditions.append(f"{counted} < %s")
            parameters.append(below)
    # Names of the model's table and columns: nothing that a client sends.
    sql = f"UPDATE {quote(model._meta.db_table)} SET {', '.join(assigned)} WHERE {' AND '.join(conditions)}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return bool(cursor.rowcount)


def by_key(model: type[models.Model], names: Sequence[str], *, using: str, keys: Sequence[Any]) -> list[Any]:
    """Return the columns `names`, of which the database needs no conversion, of the rows that have one of `keys`."""
    connection, primary = connections[using], model._meta.pk
    quote: Any = connection.ops.quote_name
    columns = ", ".join(quote(model._meta.get_field(name).column) for name in names)  # type: ignore[union-attr]
    places = ", ".join(["%s"] * len(keys))
    sql = f"SELECT {columns} FROM {quote(model._meta.db_table)} WHERE {quote(primary.column)} IN ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [primary.get_db_prep_value(key, connection) for key in keys])
        return list(cursor.fetchall())
