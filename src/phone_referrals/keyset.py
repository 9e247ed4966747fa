"""Pages that begin after the last row seen, so that the thousandth costs what the first one does.

The API and the HTML pages read lists through this. A cursor is the key of that row, signed: what comes back is what
went out, so nothing in it needs to be checked again. It gives access to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Field, Model, Q, QuerySet

from phone_referrals.exceptions import InvalidCursor

PAGE_SIZE = 20
SALT = "phone_referrals.keyset"


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, and the cursor of the page after them: empty on the last page."""

    rows: list[Any]
    next_cursor: str


def page(queryset: QuerySet[Any], *, descending: Sequence[str], cursor: str = "") -> Page:
    """Return a page of `queryset` ordered by the fields `descending`, which together must be unique.

    Raises `InvalidCursor`.
    """
    ordered = queryset.order_by(*(f"-{name}" for name in descending))
    if cursor:
        ordered = ordered.filter(_after(_decode(cursor, queryset.model, descending), descending))
    rows = list(ordered[: PAGE_SIZE + 1])
    more = len(rows) > PAGE_SIZE
    return Page(rows=rows[:PAGE_SIZE], next_cursor=_encode(rows[PAGE_SIZE - 1], descending) if more else "")


def _after(key: Sequence[Any], names: Sequence[str]) -> Q:
    """Return the condition of coming after `key`, written so that an index on `names` can begin there."""
    name, value = names[0], key[0]
    if len(names) == 1:
        return Q(**{f"{name}__lt": value})
    return Q(**{f"{name}__lte": value}) & (Q(**{f"{name}__lt": value}) | _after(key[1:], names[1:]))


def _encode(row: Model, names: Sequence[str]) -> str:
    key = [_field(type(row), name).value_to_string(row) for name in names]
    return signing.dumps(key, salt=_salt(type(row), names))


def _decode(cursor: str, model: type[Model], names: Sequence[str]) -> list[Any]:
    try:
        key = signing.loads(cursor, salt=_salt(model, names))
    except signing.BadSignature:
        raise InvalidCursor from None
    return [_field(model, name).to_python(text) for name, text in zip(names, key, strict=True)]


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]


def _salt(model: type[Model], names: Sequence[str]) -> str:
    """Keep the cursor of one list from being read by another."""
    return f"{SALT}:{model._meta.label}:{','.join(names)}"
