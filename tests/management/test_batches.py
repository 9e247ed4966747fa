import pytest
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from phone_referrals.management.batches import batches, stoppable
from tests.people import add_users

pytestmark = pytest.mark.django_db


def test_every_row_comes_once_in_batches_of_the_size(django_assert_num_queries):
    keys = [user.pk for user in add_users(5)]
    with django_assert_num_queries(4):
        found = list(batches(get_user_model().objects.all(), columns=["password"], size=2))
    assert [len(batch) for batch in found] == [2, 2, 1]
    assert [pk for batch in found for pk, _ in batch] == keys


def test_rows_that_the_work_takes_away_take_no_others_with_them():
    add_users(5)
    users = get_user_model().objects.all()
    assert (
        sum(users.filter(pk__in=[pk for (pk,) in batch]).delete()[0] for batch in batches(users, columns=[], size=2))
        == 5
    )


def test_ctrl_c_ends_in_a_sentence():
    with pytest.raises(CommandError, match="again to go on") as stopped, stoppable():
        raise KeyboardInterrupt
    assert stopped.value.returncode == 130
