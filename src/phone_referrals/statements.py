"""Statements on single rows, written out or compiled once: the ORM takes longer to compile them than to run them."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache, wraps
from types import SimpleNamespace
from typing import Any, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connections, models
from django.db.models.constants import OnConflict
from django.db.models.query import ModelIterable

Result = TypeVar("Result")
Row = TypeVar("Row", bound=models.Model)

# Deadlocks, lock time-outs and failures to serialize: by the numbers of MySQL and MariaDB, and as SQLSTATE.
LOCKS_LOST = {1205, 1213, "40001", "40P01"}
FOREIGN_KEYS_BROKEN = {1451, 1452, "23001", "23503", sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY}
TRIES = 5


def read(model: type[Row], *, using: str, where: Mapping[str, Any]) -> Row | None:
    """Return the row that matches `where`, whose columns are unique together, or `None`."""
    if not _is_plain(model):
        return model._base_manager.using(using).filter(**where).first()
    connection = connections[using]
    select, names, conversions = _select(model, using)
    keys: list[Any] = [model._meta.get_field(name) for name in where]
    conditions = " AND ".join(f"{connection.ops.quote_name(each.column)} = %s" for each in keys)
    sought = [each.get_db_prep_value(value, connection) for each, value in zip(keys, where.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE {conditions}", sought)
        found = cursor.fetchone()
    if found is None:
        return None
    values = list(found)
    for place, convert, column in conversions:
        values[place] = convert(values[place], column, connection)
    return model.from_db(using, names, values)


@cache
def _select(model: type[models.Model], using: str) -> tuple[str, list[str], list[tuple[int, Callable[..., Any], Any]]]:
    """Return the SELECT of all rows, the names of what it returns, and how the ORM converts each of that."""
    connection, fields = connections[using], model._meta.concrete_fields
    quote: Any = connection.ops.quote_name
    columns = [field.get_col(model._meta.db_table) for field in fields]
    conversions = [
        (place, convert, column)
        for place, column in enumerate(columns)
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
    ]
    # Names of the model's table and columns, none of which a client sends.
    names = ", ".join(quote(each.column) for each in fields)
    sql = f"SELECT {names} FROM {quote(model._meta.db_table)}"  # noqa: S608
    return sql, [field.attname for field in fields], conversions


@cache
def _is_plain(model: type[models.Model]) -> bool:
    """Return whether one table has all of a row, and neither a manager nor a field of a host changes the SELECT."""
    methods = {(type(each).get_col, type(each).select_format) for each in model._meta.concrete_fields}
    known = {(each.get_col, each.select_format) for each in (models.Field, models.ForeignKey)}
    return not model._meta.parents and type(model._base_manager) is models.Manager and methods <= known


def compiled(build: Callable[..., models.QuerySet[Any]]) -> Callable[..., Any]:
    """Return a function that takes an alias and texts, and returns the one row, or `None`, of `build(*texts)`.

    The ORM compiles the query once for each alias and number of texts: it must depend on nothing else.
    """

    @cache
    def compiler_of(using: str, number: int) -> tuple[models.QuerySet[Any], Any, str, list[Any]]:
        rows = build(*(f"${place}" for place in range(number))).using(using)
        compiler: Any = rows.query.get_compiler(using)
        sql, places = compiler.as_sql()
        compiler.connection = None  # That of this thread, which may end.
        return rows, compiler, sql, places

    @wraps(build)
    def fetch(using: str, *texts: str) -> Any:
        rows, compiler, sql, places = compiler_of(using, len(texts))
        values = dict(zip((f"${place}" for place in range(len(texts))), texts, strict=True))
        bound: Any = copy(compiler)
        bound.connection = connections[using]  # This thread's.
        bound.as_sql = lambda *_, **__: (sql, [values.get(each, each) for each in places])
        query: Any = SimpleNamespace(get_compiler=lambda *_, **__: bound)
        return next(iter(ModelIterable(models.QuerySet(rows.model, query, using))), None)

    return fetch


def update(
    model: type[models.Model],
    *,
    using: str,
    where: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    add: Mapping[str, int] | None = None,
) -> bool:
    """Write `values` to the row that is as `where` says, and add the numbers of `add`; return whether there was one."""
    connection = connections[using]
    quote: Any = connection.ops.quote_name
    parameters: list[Any] = []

    def written(text: str, columns: Mapping[str, Any] | None) -> Iterator[str]:
        for name, value in (columns or {}).items():
            field: Any = model._meta.get_field(name)
            parameters.append(field.get_db_prep_save(value, connection))
            yield text.format(quote(field.column))

    # In the order in which the statement has them.
    assigned = ", ".join([*written("{0} = %s", values), *written("{0} = {0} + %s", add)])
    conditions = " AND ".join(written("{0} = %s", where))
    # Names of the model's table and columns: nothing that a client sends.
    sql = f"UPDATE {quote(model._meta.db_table)} SET {assigned} WHERE {conditions}"  # noqa: S608

    def execute() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return bool(cursor.rowcount)

    return retried(execute, using=using)


def insert(
    row: models.Model, *, using: str, condition: str = "", parameters: Sequence[Any] = (), after: str = ""
) -> bool:
    """Insert a row, without the signals of `save()`, unless another row has its keys; return whether it was written.

    The database gives it a primary key if it has none. A conflict is no error, so the database's log does not quote
    the row, and a transaction goes on. The row is written only if `condition` holds, SQL with `parameters`.
    `after` is a SELECT that runs first, in the same round trip.
    """
    connection = connections[using]
    ops: Any = connection.ops
    fields = [field for field in row._meta.concrete_fields if not (field.primary_key and row.pk is None)]
    names, places = ", ".join(ops.quote_name(field.column) for field in fields), ", ".join(["%s"] * len(fields))
    verb = ops.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = ops.on_conflict_suffix_sql(fields, OnConflict.IGNORE, [], [])
    values = f"SELECT {places} WHERE {condition}" if condition else f"VALUES ({places})"
    # Names of the model's table and columns, none of which a client sends.
    sql = f"{verb} {ops.quote_name(row._meta.db_table)} ({names}) {values} {suffix}"
    returns_key = row.pk is None and connection.features.can_return_columns_from_insert
    if returns_key:
        sql += f" RETURNING {ops.quote_name(row._meta.pk.column)}"
    if after:
        sql = f"{after}; {sql}"
    bound = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]

    def execute() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*bound, *parameters])
            if after:
                cursor.nextset()
            if returns_key:
                return cursor.fetchone()
            return cursor.rowcount and [cursor.lastrowid if row.pk is None else row.pk]

    written = retried(execute, using=using)
    if written and row.pk is None:
        row.pk = written[0]
    row._state.adding, row._state.db = not written, using
    return bool(written)


def retried(work: Callable[[], Result], *, using: str) -> Result:
    """Run one statement, or one transaction that `work` begins; run it again after a deadlock.

    Inside another transaction the error is raised: the deadlock has rolled back that transaction, too.
    """
    for _ in range(TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if _codes_of(error).isdisjoint(LOCKS_LOST) or not connections[using].get_autocommit():
                raise
    return work()


def waited_for_locks(error: OperationalError) -> bool:
    """Return whether a statement failed because of a lock time-out or a deadlock."""
    return not _codes_of(error).isdisjoint(LOCKS_LOST | {"55P03"})


def broke_foreign_key(error: IntegrityError) -> bool:
    """Return whether a foreign key made a statement or a commit fail."""
    return not _codes_of(error).isdisjoint(FOREIGN_KEYS_BROKEN)


def _codes_of(error: DatabaseError) -> set[Any]:
    cause = error.__cause__  # psycopg calls it `sqlstate`, psycopg2 `pgcode`.
    return {*error.args[:1], *(getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorcode"))}
