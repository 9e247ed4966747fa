from itertools import combinations, pairwise
from math import hypot

import pytest
from django.contrib.auth import get_user_model
from django.db import models

from phone_referrals.models import Referral
from phone_referrals.referrals import network, tree
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db


def below(person):
    """Return everybody below somebody, whoever is drawn first being first."""
    return [each for invited in person.invited for each in (invited, *below(invited))]


def test_who_invited_nobody_is_alone(make_user):
    drawn = network.draw(make_user())
    assert (drawn.people, drawn.lines, drawn.capped) == ([], [], False)
    assert (drawn.owner.x, drawn.owner.y, drawn.owner.level) == (0, 0, 0)


def test_everybody_hangs_below_whoever_invited_them(make_user, refer):
    me, a, b, c, d = map(make_user, range(5))
    refer(me, a, b)
    refer(a, c)
    refer(c, d)

    drawn = network.draw(me)

    assert {(person.label, person.level) for person in drawn.people} == {("01", 1), ("02", 1), ("03", 2), ("04", 3)}
    assert {(upper.label, lower.label) for upper, lower in drawn.lines} == {
        ("00", "01"),
        ("00", "02"),
        ("01", "03"),
        ("03", "04"),
    }
    assert [(each.label, len(each.invited)) for each in below(drawn.owner)] in (
        [("01", 1), ("03", 1), ("04", 0), ("02", 0)],
        [("02", 0), ("01", 1), ("03", 1), ("04", 0)],
    )


def test_the_picture_ends_at_the_third_level(make_user, refer):
    for upper, lower in pairwise(people := [make_user(number) for number in range(6)]):
        refer(upper, lower)

    assert [person.level for person in network.draw(people[0]).people] == [1, 2, 3]
    assert [person.level for person in network.draw(people[3]).people] == [1, 2]


def test_numbers_are_masked(make_user, refer):
    me, other = make_user(0), make_user(17)
    refer(me, other)

    (person,) = network.draw(me).people

    assert person.name == "+1 *** *** **17"
    assert person.label == "17"


@pytest.mark.parametrize(("count", "drawn", "capped"), [(199, 199, False), (200, 200, False), (201, 200, True)])
def test_200_people_are_drawn_at_most(make_user, count, drawn, capped):
    me = make_user()
    add_invitees(me, count)

    picture = network.draw(me)

    assert (len(picture.people), picture.capped) == (drawn, capped)


def test_the_first_levels_are_drawn_before_the_next(make_user, refer):
    me, *first = add_users(151)
    refer(me, *first)
    refer(first[0], *add_users(100))

    levels = [person.level for person in network.draw(me).people]

    assert levels == [1] * 150 + [2] * 50


def test_a_person_whom_the_site_hides_is_a_dot_without_a_name(make_user, refer, monkeypatch):
    me, hidden, below_hidden = map(make_user, range(3))
    refer(me, hidden)
    refer(hidden, below_hidden)
    manager = Shown(everybody_but=hidden)
    monkeypatch.setitem(get_user_model()._meta.__dict__, "default_manager", manager)

    drawn = network.draw(me)

    assert [(person.name, person.label) for person in drawn.people] == [("", ""), ("+1 *** *** **02", "02")]


class Shown(models.Manager):
    """A default manager of the host, which hides a user."""

    def __init__(self, *, everybody_but):
        super().__init__()
        self.model, self.hidden = get_user_model(), everybody_but

    def get_queryset(self):
        return super().get_queryset().exclude(pk=self.hidden.pk)


def test_a_person_without_a_phone_has_a_number(make_user):
    me = make_user()
    (invited,) = add_invitees(me, 1)

    assert [person.name for person in network.draw(me).people] == [f"#{invited}"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("+1 *** *** **02", "02"), ("#2", "#2"), ("#1234", "34"), ("j***@example.com", "j"), ("Ada", "A"), ("", "")],
)
def test_a_dot_has_digits_or_a_letter(name, label):
    assert network.Person(name=name).label == label


def test_a_deleted_user_and_those_below_are_not_drawn(make_user, refer):
    me, deleted, other = map(make_user, range(3))
    refer(me, deleted)
    refer(deleted, other)
    deleted.delete()

    assert network.draw(me).people == []


def test_a_circle_in_damaged_data_ends(make_user, refer):
    me, other = make_user(0), make_user(1)
    refer(me, other)
    refer(other, me)

    assert len(network.draw(me).people) <= 3


# The layout

CROWDS = [[1], [2], [3, 0, 1], [1, 1, 1], [8, 8, 8], [30, 2, 0], [31, 1, 1], [60, 60, 60], [200], [201], [1, 199, 20]]


drawn_twice = {}


@pytest.fixture
def pictures(make_user, refer, undone):
    """Return two drawings of each crowd by its levels. They are made once: no test changes them."""
    for levels in [] if drawn_twice else CROWDS:
        with undone():
            uppers = [me := make_user()]
            for count in levels:
                people = add_users(count)
                for number, upper in enumerate(uppers):
                    refer(upper, *people[number :: len(uppers)])
                uppers = people or uppers
            drawn_twice[str(levels)] = network.draw(me), network.draw(me)
    return drawn_twice.items()


def test_everything_is_inside_the_box(pictures):
    for levels, (drawn, _) in pictures:
        left, top, width, height = drawn.box
        for person in [drawn.owner, *drawn.people]:
            radius = network.MAX_DOT if person is drawn.owner else drawn.dot
            assert left <= person.x - radius, levels
            assert person.x + radius <= left + width, levels
            assert top <= person.y - radius, levels
            assert person.y + radius <= top + height, levels
        assert max(width, height) <= 2 * (network.RADIUS + network.MARGIN), levels


def test_everybody_is_on_the_ring_of_their_level(pictures):
    for levels, (drawn, _) in pictures:
        rings = {person.level: hypot(person.x, person.y) for person in drawn.people}
        assert all(abs(hypot(person.x, person.y) - rings[person.level]) < 2 for person in drawn.people), levels
        assert sorted(rings, key=rings.get) == sorted(rings), levels
        assert max(rings.values()) <= network.RADIUS + 1, levels


def test_no_two_people_are_in_one_place(pictures):
    for levels, (drawn, _) in pictures:
        places = [(person.x, person.y) for person in [drawn.owner, *drawn.people]]
        assert len(set(places)) == len(places), levels


def test_the_same_network_is_drawn_in_the_same_way(pictures):
    for levels, (drawn, again) in pictures:
        assert drawn == again, levels


def test_coordinates_are_whole_numbers_and_dots_can_be_seen(pictures):
    for levels, (drawn, _) in pictures:
        assert {type(each) for person in drawn.people for each in (person.x, person.y)} == {int}, levels
        assert {type(each) for each in drawn.box} == {int}, levels
        assert network.MIN_DOT <= drawn.dot <= network.MAX_DOT, levels


def test_neighbours_on_a_ring_do_not_touch(pictures):
    for levels, (drawn, _) in pictures:
        if drawn.dot > network.MIN_DOT:
            for a, b in combinations(drawn.people, 2):
                assert a.level != b.level or hypot(a.x - b.x, a.y - b.y) >= 2 * drawn.dot, levels


@pytest.mark.parametrize(("count", "labelled"), [(1, True), (31, True), (40, False), (200, False)])
def test_dots_are_labelled_where_that_can_be_read(make_user, count, labelled):
    me = make_user()
    add_invitees(me, count)

    assert network.draw(me).has_labels is labelled


def test_who_is_above_is_told_from_the_top_down_and_20_at_most(make_user, refer):
    people = add_users(25)
    for upper, lower in pairwise(people):
        refer(upper, lower)

    above = network.draw_above(people[-1])

    assert [person.pk for person in above] == [person.pk for person in people[4:24]]
    assert [person.x for person in above] == [number * network.STEP_ABOVE for number in range(20)]
    assert network.draw_above(people[0]) == []


def test_the_picture_does_not_depend_on_the_order_of_rows(make_user, monkeypatch):
    me, a, b, c, d = map(make_user, range(5))
    for referrer, referred in [(me, a), (me, b), (a, c), (a, d)]:
        Referral.objects.create(referrer=referrer, referred=referred, code="A")
    drawn = []
    for order in [a, b, c, d], [b, a, d, c]:
        referrers = {a.pk: me.pk, b.pk: me.pk, c.pk: a.pk, d.pk: a.pk}
        found = [(each.pk, referrers[each.pk]) for each in order]
        monkeypatch.setattr(tree, "people_below", lambda *_args, found=found, **_options: found)
        drawn.append({(each.name, each.x, each.y) for each in network.draw(me).people})
    assert drawn[0] == drawn[1]
