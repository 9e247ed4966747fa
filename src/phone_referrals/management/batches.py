"""Helpers of the long commands: batches in the order of the primary key, and Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

SIZE = 1000


def batches(queryset: QuerySet[Any], *, columns: list[str], size: int = SIZE) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows as tuples that begin with the primary key; no batch costs more than the first."""
    ordered = queryset.order_by("pk").values_list("pk", *columns)
    # Evaluated before it is worked on: rows that the work takes out of the queryset shift no others.
    batch = list(ordered[:size])
    while batch:
        yield batch
        batch = list(ordered.filter(pk__gt=batch[-1][0])[:size])


@contextmanager
def stoppable() -> Iterator[None]:
    """End a command that Ctrl-C stops with one sentence. The finished batches stay done."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError("Stopped. Run the command again to go on.", returncode=130) from None
