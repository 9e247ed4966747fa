"""The picture of a network: its owner in the middle, everybody on the ring of their level, below whoever invited them.

Coordinates are whole numbers: a language that writes decimals with a comma would spoil others.
"""

from dataclasses import dataclass, field
from math import cos, pi, sin
from typing import Any

from django.db import router

from phone_referrals import phones
from phone_referrals.accounts import get_accounts
from phone_referrals.models import Referral
from phone_referrals.profiles import queries
from phone_referrals.referrals import tree

MAX_PEOPLE = 200
RADIUS = 440  # of the outermost ring
MAX_STEP = 220  # from ring to ring
MAX_DOT, MIN_DOT = 44, 7
MARGIN = MAX_DOT + 6
MAX_LABELS = 30  # More would not be readable.


@dataclass(kw_only=True)
class Person:
    """Somebody on the picture, and the people this one invited."""

    phone: str = ""
    level: int = 0
    invited: list["Person"] = field(default_factory=list)
    x: int = 0
    y: int = 0

    @property
    def label(self) -> str:
        """The digits of the phone that are shown to others."""
        return self.phone[-2:]

    @property
    def width(self) -> int:
        """How many people at the edge of the picture are below this one: its share of the circle."""
        return sum(each.width for each in self.invited) or 1


@dataclass(frozen=True, kw_only=True)
class Network:
    """What the template draws: people with coordinates, lines between them, and the size of a dot."""

    owner: Person
    people: list[Person]
    lines: list[tuple[Person, Person]]
    dot: int
    has_labels: bool
    capped: bool

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of what is drawn: a small network is not lost in a large square."""
        xs, ys = [0, *(each.x for each in self.people)], [0, *(each.y for each in self.people)]
        left, top = min(xs) - MARGIN, min(ys) - MARGIN
        return left, top, max(xs) + MARGIN - left, max(ys) + MARGIN - top


def draw(user: Any) -> Network:
    """Return the picture of the people below `user`: three levels and 200 people at most."""
    using = router.db_for_write(Referral)
    found = tree.people_below(user.pk, limit=MAX_PEOPLE + 1, using=using)
    people = {user.pk: Person()}
    shown = found[:MAX_PEOPLE]
    users = queries.users().using(using).in_bulk([pk for pk, _ in shown])
    for pk, referrer in shown:
        # Deleted meanwhile, or hidden by the host's manager: a dot without a number.
        phone = phones.mask(get_accounts().phone_of(users[pk])) if pk in users else ""
        people[pk] = Person(phone=phone, level=people[referrer].level + 1)
    # In the order of their keys: the database has none, and the picture would turn over from one look to the next.
    lines = [(people[referrer], people[pk]) for pk, referrer in sorted(shown)]
    for upper, lower in lines:
        upper.invited.append(lower)
    owner = people.pop(user.pk)
    deepest = max((person.level for person in people.values()), default=1)
    _place(owner, start=0, turn=2 * pi, step=min(MAX_STEP, RADIUS // deepest))
    return Network(
        owner=owner,
        people=list(people.values()),
        lines=lines,
        dot=max(MIN_DOT, min(MAX_DOT, 1000 // max(1, len(people)))),
        has_labels=len(people) <= MAX_LABELS,
        capped=len(found) > MAX_PEOPLE,
    )


def _place(person: Person, *, start: float, turn: float, step: int) -> None:
    """Give the people below `person` their places, on an arc that begins at `start` and is `turn` long (radians)."""
    for each in person.invited:
        arc = turn * each.width / person.width
        middle = start + arc / 2
        each.x = round(each.level * step * sin(middle))
        each.y = round(-each.level * step * cos(middle))
        _place(each, start=start, turn=arc, step=step)
        start += arc
