"""What the long commands share: batches in the order of the primary key, a progress bar, and Ctrl-C."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

try:
    from tqdm import tqdm
except ImportError:  # The extra `progress` is left out.
    tqdm = None

SIZE = 1000


def batches(queryset: QuerySet[Any], *, columns: list[str], size: int = SIZE) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows as tuples that begin with the primary key; no batch costs more than the first.

    A bar shows how far it is where somebody is looking and tqdm is installed.
    """
    ordered, seen = queryset.order_by("pk").values_list("pk", *columns), None
    bar = None
    if tqdm is not None and sys.stderr.isatty():
        bar = tqdm(total=queryset.count())
    while True:
        # Evaluated before it is worked on: what the work takes out of the queryset is not missed.
        batch = list((ordered if seen is None else ordered.filter(pk__gt=seen))[:size])
        if not batch:
            break
        yield batch
        seen = batch[-1][0]
        if bar is not None:
            bar.update(len(batch))
    if bar is not None:
        bar.close()


@contextmanager
def stoppable() -> Iterator[None]:
    """End a command that is stopped by Ctrl-C in a sentence: what was done stays done, and is not done again."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError("Stopped. Run the command again to go on.", returncode=130) from None
