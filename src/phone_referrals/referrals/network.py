"""The picture of a network: its owner in the middle, and around it a ring for each level.

Coordinates are whole numbers: a language that writes decimals with a comma would spoil others.
"""

from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import cos, dist, pi, sin
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router

from phone_referrals.accounts import get_accounts
from phone_referrals.referrals import tree
from phone_referrals.referrals.models import Referral

MAX_PEOPLE = 200
RADIUS = 440  # of the outermost ring
MAX_STEP = 220  # from ring to ring
MAX_DOT, MIN_DOT = 44, 7
MARGIN = MAX_DOT + 6
MAX_ABOVE, STEP_ABOVE = 20, 120
MIN_LABELLED_DOT = 20  # Two digits in a smaller one would not be readable.


@dataclass(kw_only=True)
class Person:
    """Somebody on the picture, and the people this one invited."""

    pk: Any = None
    name: str = ""
    level: int = 0
    invited: list["Person"] = field(default_factory=list)
    angle: float = 0
    x: int = 0
    y: int = 0

    @property
    def label(self) -> str:
        """The text in a dot: the last two digits of a phone or of a number, or else the first letter of a name."""
        return self.name[-2:] if self.name[-1:].isdigit() else self.name[:1]

    @property
    def width(self) -> float:
        """The share of the circle that this person needs. It grows more slowly than the number of people below."""
        below: float = sum(each.width for each in self.invited) ** 0.75
        return max(1, below)


@dataclass(frozen=True, kw_only=True)
class Network:
    """The input of the template: people with coordinates, ring by ring and around each, and lines between them."""

    owner: Person
    people: list[Person]
    lines: list[tuple[Person, Person]]
    capped: bool

    @property
    def dot(self) -> int:
        """The radius of a dot, by which neighbours do not touch."""
        gaps: list[float] = [MAX_DOT / 0.45]
        for _level, ring in groupby(self.people, key=lambda each: each.level):
            around = [*ring]
            neighbours = pairwise([*around, around[0]])
            gaps += [dist((a.x, a.y), (b.x, b.y)) for a, b in neighbours if a is not b]
        return max(MIN_DOT, round(min(gaps) * 0.45))

    @property
    def has_labels(self) -> bool:
        return self.dot >= MIN_LABELLED_DOT

    @property
    def has_phones(self) -> bool:
        """Whether a label is the end of a phone number: a site may show people by e-mail or by name."""
        return self.has_labels and any(each.name.startswith("+") for each in self.people)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the drawing: a small network is not lost in a large square."""
        xs, ys = [0, *(each.x for each in self.people)], [0, *(each.y for each in self.people)]
        left, top = min(xs) - MARGIN, min(ys) - MARGIN
        return left, top, max(xs) + MARGIN - left, max(ys) + MARGIN - top


def draw(user: AbstractBaseUser) -> Network:
    """Return the picture of the people below `user`: three levels and 200 people at most."""
    using = router.db_for_write(Referral)
    found = tree.people_below(user.pk, limit=MAX_PEOPLE + 1, using=using)
    people = {user.pk: Person(pk=user.pk, name=get_accounts().display_name(user))}
    name_of = _names([pk for pk, _ in found], using)
    referrers: dict[Any, Any] = {}
    for pk, referrer in found[:MAX_PEOPLE]:
        if pk not in people:  # As somebody would be in a circle of damaged data.
            people[pk] = Person(pk=pk, name=name_of.get(pk, ""), level=people[referrer].level + 1)
            referrers[pk] = referrer
    # In the order of their keys: the database has none, and the picture would turn over from one look to the next.
    lines = [(people[referrers[pk]], people[pk]) for pk in sorted(referrers)]
    for upper, lower in lines:
        upper.invited.append(lower)
    owner = people.pop(user.pk)
    deepest = max((person.level for person in people.values()), default=1)
    _place(owner, start=0, turn=2 * pi, step=min(MAX_STEP, RADIUS // deepest))
    return Network(
        owner=owner,
        people=sorted(people.values(), key=lambda each: (each.level, each.angle)),
        lines=lines,
        capped=len(found) > MAX_PEOPLE,
    )


def draw_above(user: AbstractBaseUser) -> list[Person]:
    """Return the referrers above `user`, from the topmost one down, side by side: 20 people at most."""
    using = router.db_for_write(Referral)
    above = tree.people_above(user.pk, limit=MAX_ABOVE, using=using)[::-1]
    name_of = _names(above, using)
    return [Person(pk=pk, name=name_of.get(pk, ""), x=number * STEP_ABOVE) for number, pk in enumerate(above)]


def _names(pks: list[Any], using: str) -> dict[Any, str]:
    """Return the display names of users. Users who were deleted meanwhile, or are hidden by the host, have none."""
    accounts = get_accounts()
    users = accounts.join(get_user_model()._default_manager.using(using).all()).in_bulk(pks)
    return {pk: accounts.display_name(user) for pk, user in users.items()}


def _place(person: Person, *, start: float, turn: float, step: int) -> None:
    """Give the people below `person` their places, on an arc that begins at `start` and is `turn` long (radians)."""
    total = sum(each.width for each in person.invited)
    for each in person.invited:
        arc = turn * each.width / total
        each.angle = start + arc / 2
        each.x = round(each.level * step * sin(each.angle))
        each.y = round(-each.level * step * cos(each.angle))
        _place(each, start=start, turn=arc, step=step)
        start += arc
