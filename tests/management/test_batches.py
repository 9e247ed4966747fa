import sys
from importlib import reload

import pytest
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from phone_referrals.management import batches as module
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


@pytest.mark.parametrize(("is_terminal", "is_installed"), [(True, True), (True, False), (False, True)])
def test_a_bar_is_for_who_looks_and_has_the_library(monkeypatch, is_terminal, is_installed):
    bars = []

    class Bar:
        def __init__(self, total):
            bars.append(self)
            self.total, self.shown, self.is_closed = total, 0, False

        def update(self, count):
            self.shown += count

        def close(self):
            self.is_closed = True

    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(module, "tqdm", Bar if is_installed else None)
    add_users(3)
    list(batches(get_user_model().objects.all(), columns=[], size=2))
    assert [(bar.total, bar.shown, bar.is_closed) for bar in bars] == (
        [(3, 3, True)] if is_terminal and is_installed else []
    )


def test_ctrl_c_ends_in_a_sentence():
    with pytest.raises(CommandError, match="again to go on") as stopped, stoppable():
        raise KeyboardInterrupt
    assert stopped.value.returncode == 130


def test_the_library_of_the_bar_may_be_left_out(monkeypatch):
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "tqdm", None)
        assert reload(module).tqdm is None
    assert reload(module).tqdm is not None
