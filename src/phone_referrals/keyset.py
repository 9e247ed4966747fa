"""Pages of lists that begin after the last row seen, so the thousandth page costs as much as the first.

The API and the HTML pages use it. A cursor is the signed key of a row, and a direction: because of the signature its
content needs no other checks. It gives access to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import Field, Model, Q, QuerySet

from phone_referrals.exceptions import InvalidCursor

PAGE_SIZE = 20
SALT = "phone_referrals.keyset.pages"


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, and the cursors of the next and the previous page: empty if there is none."""

    rows: list[Any]
    next_cursor: str = ""
    previous_cursor: str = ""


def page(queryset: QuerySet[Any], *, descending: Sequence[str], cursor: str = "") -> Page:
    """Return a page of `queryset` ordered by the fields `descending`, which together must be unique.

    Raises `InvalidCursor`.
    """
    backwards, beyond = False, queryset
    if cursor:
        backwards, key = _decode(cursor, queryset.model, descending)
        beyond = queryset.filter(_beyond(key, descending, "gt" if backwards else "lt"))
    ordered = beyond.order_by(*(name if backwards else f"-{name}" for name in descending))
    rows = list(ordered[: PAGE_SIZE + 1])
    if backwards and not rows:  # Those rows have been deleted since: what is left begins with the first page.
        return page(queryset, descending=descending)
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE][:: -1 if backwards else 1]
    has_next, has_previous = (True, has_more) if backwards else (has_more, bool(cursor and rows))
    return Page(
        rows=rows,
        next_cursor=_encode(rows[-1], descending, backwards=False) if has_next else "",
        previous_cursor=_encode(rows[0], descending, backwards=True) if has_previous else "",
    )


def _beyond(key: Sequence[Any], names: Sequence[str], side: str) -> Q:
    """Return the condition for rows after or before `key`, in a form for which an index on `names` can be used."""
    name, value = names[0], key[0]
    if len(names) == 1:
        return Q(**{f"{name}__{side}": value})
    return Q(**{f"{name}__{side}e": value}) & (Q(**{f"{name}__{side}": value}) | _beyond(key[1:], names[1:], side))


def _encode(row: Model, names: Sequence[str], *, backwards: bool) -> str:
    key = [_field(type(row), name).value_to_string(row) for name in names]
    return signing.dumps([backwards, *key], salt=_salt(type(row), names))


def _decode(cursor: str, model: type[Model], names: Sequence[str]) -> tuple[bool, list[Any]]:
    try:
        backwards, *key = signing.loads(cursor, salt=_salt(model, names))
    except signing.BadSignature:
        raise InvalidCursor from None
    return backwards, [_field(model, name).to_python(text) for name, text in zip(names, key, strict=True)]


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]


def _salt(model: type[Model], names: Sequence[str]) -> str:
    """Return a salt of the list's own, so that no other list reads its cursors."""
    return f"{SALT}:{model._meta.label}:{','.join(names)}"
