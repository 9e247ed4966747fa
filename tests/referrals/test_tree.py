from itertools import pairwise

import pytest
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS

from phone_referrals.models import Referral
from phone_referrals.referrals import tree


def root_above(user):
    return tree.root_above(user.pk, using=DEFAULT_DB_ALIAS)


def levels_below(user):
    levels, _ = tree.levels_below(user.pk, using=DEFAULT_DB_ALIAS)
    return levels


@pytest.fixture
def chain(make_people, refer):
    """Make a chain of people, each invited by the one before."""

    def chain(count):
        people = make_people(count)
        for referrer, referred in pairwise(people):
            refer(referrer, referred)
        return people

    return chain


def test_who_was_invited_by_nobody_is_the_root(make_people):
    (alone,) = make_people(1)

    assert root_above(alone) == alone.pk


@pytest.mark.parametrize("count", [2, 3, 50])
def test_everybody_in_a_chain_has_its_top_for_a_root(chain, count):
    people = chain(count)

    assert {root_above(user) for user in people} == {people[0].pk}


def test_trees_beside_each_other_have_roots_of_their_own(make_people, refer):
    a, b, c, d = make_people(4)
    refer(a, b)
    refer(c, d)

    assert [root_above(user) for user in (a, b, c, d)] == [a.pk, a.pk, c.pk, c.pk]


def test_who_lost_the_referrer_is_a_root(chain):
    first, *people = chain(4)
    first.delete()

    assert {root_above(user) for user in people} == {people[0].pk}


def test_a_circle_that_was_written_by_hand_has_no_root(chain, refer, make_people):
    people = chain(3)
    refer(people[2], people[0])

    assert [root_above(user) for user in people] == [None] * 3


def test_a_branch_below_a_circle_has_no_root(make_people, refer):
    a, b, below = make_people(3)
    refer(a, b, below)
    refer(b, a)

    assert root_above(below) is None


def test_who_does_not_exist_has_no_root(db):
    assert tree.root_above(-1, using=DEFAULT_DB_ALIAS) is None


def test_nobody_is_below_who_invited_nobody(chain):
    assert levels_below(chain(2)[1]) == [0, 0, 0]


def test_levels_are_counted_one_by_one(make_people, refer):
    top, a, b, c, d, e, other, others = make_people(8)
    refer(top, a, b)
    refer(a, c, d)
    refer(d, e)
    refer(other, others)

    assert levels_below(top) == [2, 2, 1]
    assert levels_below(a) == [2, 1, 0]


def test_levels_end_at_the_third(chain):
    people = chain(6)

    assert levels_below(people[0]) == [1, 1, 1]
    assert levels_below(people[4]) == [1, 0, 0]


def test_levels_of_a_circle_end_too(chain, refer):
    people = chain(2)
    refer(people[1], people[0])

    assert levels_below(people[0]) == [1, 1, 1]


def test_no_more_people_are_counted_than_the_limit(make_people, refer, monkeypatch):
    monkeypatch.setattr(tree, "MAX_ROWS", 4)
    top, *people = make_people(6)
    refer(top, *people[:2])
    refer(people[0], *people[2:])

    assert sum(levels_below(top)) == 4


def test_a_popular_referrer_is_counted_up_to_a_thousand(db, refer):
    model = get_user_model()
    top, *people = model.objects.bulk_create([model() for _ in range(1002)])
    refer(top, *people)

    assert levels_below(top) == [1000, 0, 0]
    assert Referral.objects.of(top).count() == 1001


@pytest.mark.parametrize(("limit", "capped"), [(3, True), (4, False)])
def test_it_is_said_that_there_are_more_only_if_there_are(make_people, refer, monkeypatch, limit, capped):
    monkeypatch.setattr(tree, "MAX_ROWS", limit)
    top, *people = make_people(5)
    refer(top, *people)

    assert tree.levels_below(top.pk, using=DEFAULT_DB_ALIAS) == ([limit, 0, 0], capped)


@pytest.mark.django_db
def test_people_above_are_told_from_the_nearest_up(chain):
    people = chain(5)
    keys = [person.pk for person in people]
    assert tree.people_above(keys[4], limit=20, using=DEFAULT_DB_ALIAS) == keys[3::-1]
    assert tree.people_above(keys[4], limit=2, using=DEFAULT_DB_ALIAS) == [keys[3], keys[2]]
    assert tree.people_above(keys[0], limit=20, using=DEFAULT_DB_ALIAS) == []


@pytest.mark.django_db
def test_above_a_referrer_who_was_deleted_there_is_nobody(chain):
    people = chain(3)
    people[1].delete()
    assert tree.people_above(people[2].pk, limit=20, using=DEFAULT_DB_ALIAS) == []


# Who is below


def people_below(user, limit=1000):
    return tree.people_below(user.pk, limit=limit, using=DEFAULT_DB_ALIAS)


def test_people_come_with_their_referrers_level_by_level(make_people, refer):
    top, a, b, c, d, other, others = make_people(7)
    refer(top, a, b)
    refer(b, c)
    refer(c, d)
    refer(other, others)

    below = people_below(top)

    assert {*below[:2]} == {(a.pk, top.pk), (b.pk, top.pk)}
    assert below[2:] == [(c.pk, b.pk), (d.pk, c.pk)]
    assert people_below(others) == []


def test_people_are_read_down_to_the_third_level(chain):
    people = chain(6)

    assert [pk for pk, _ in people_below(people[0])] == [user.pk for user in people[1:4]]


def test_people_of_a_circle_end_too(chain, refer):
    people = chain(2)
    refer(people[1], people[0])

    assert [pk for pk, _ in people_below(people[0])] == [people[1].pk, people[0].pk, people[1].pk]


@pytest.mark.parametrize(("limit", "read"), [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5)])
def test_no_more_people_are_read_than_asked_nearest_first(make_people, refer, limit, read):
    top, a, b, *people = make_people(6)
    refer(top, a, b)
    refer(a, *people)

    below = people_below(top, limit)

    assert len(below) == read
    assert {pk for pk, _ in below[:2]} <= {a.pk, b.pk}


def test_people_are_read_by_one_statement(chain, django_assert_num_queries):
    people = chain(5)

    with django_assert_num_queries(1):
        people_below(people[0])
