"""Whom a signed-in user may read, and what of them."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from rest_framework.permissions import BasePermission

from phone_referrals.models import Referral
from phone_referrals.profiles.permissions import OwnNetwork, users_permission
from phone_referrals.referrals.tree import MAX_LEVELS
from tests.people import add_invitees, add_users

pytestmark = pytest.mark.django_db

ALL = "rest_framework.permissions.IsAuthenticated"


@pytest.fixture
def people(make_user, refer):
    """A line of users, each invited by the one before, with the reader in the middle; and others beside them."""
    names = ["top", "referrer", "me", "friend", "friend 2", "friend 3", "friend 4"]
    people = {name: make_user(number) for number, name in enumerate([*names, "sibling", "stranger"])}
    line = [people[name] for name in names]
    for above, below in pairwise(line):
        refer(above, below)
    refer(people["referrer"], people["sibling"])
    return people


@pytest.fixture
def read(api, people):
    """Read an address as a user; `{name}` in it is the key of one of the people."""

    def read(path="", reader="me"):
        api.force_authenticate(people[reader])
        for name, user in people.items():
            path = path.replace(f"{{{name}}}", str(user.pk))
        return api.get(f"/api/users/{path}")

    return read


READABLE = {"me": 200, "referrer": 200, "friend": 200, "friend 2": 200, "friend 3": 200}
OPEN = {"me": 200, "friend": 200, "friend 2": 200}


@pytest.mark.parametrize(
    "name", ["me", "top", "referrer", "friend", "friend 2", "friend 3", "friend 4", "sibling", "stranger"]
)
def test_a_user_reads_its_own_network_and_nobody_else(read, name):
    assert read(f"{{{name}}}/").status_code == READABLE.get(name, 404)
    assert read(f"{{{name}}}/invitees/").status_code == OPEN.get(name, 404)
    assert read(f"{{{name}}}/", reader="stranger").status_code == (200 if name == "stranger" else 404)


def test_an_invitee_sees_no_invitees_or_referrer_of_its_own(read):
    profile = read("{referrer}/").json()
    assert (profile["invitees"], profile["referred_by"]) == (None, None)


def test_a_profile_shows_no_deeper_than_the_reader_may_read(read, people):
    assert read("{friend 2}/").json()["invitees"]["count"] == 1
    deepest = read("{friend 3}/").json()
    assert (deepest["invitees"], deepest["referred_by"]["id"]) == (None, people["friend 2"].pk)


def test_ones_own_profile_shows_both_sides(read, people):
    profile = read("{me}/").json()
    assert profile["referred_by"]["id"] == people["referrer"].pk
    assert [each["id"] for each in profile["invitees"]["results"]] == [people["friend"].pk]
    assert profile == read("me/").json()


@pytest.mark.parametrize("tail", ["", "invitees/"])
def test_an_unreadable_user_is_answered_as_a_missing_one(read, people, tail):
    def answer(path):
        with CaptureQueriesContext(connection) as statements:
            response = read(path)
        key = path.split("/")[0].strip("{}")
        shapes = [each["sql"].replace(str(people[key].pk if key in people else key), "KEY") for each in statements]
        headers = {**response.headers, "Expires": ""}  # It names the second of the answer.
        return response.status_code, response.content, len(shapes), headers

    assert answer(f"{{stranger}}/{tail}") == answer(f"{{top}}/{tail}") == answer(f"987654321/{tail}")


def test_the_list_is_oneself_the_referrer_then_the_invitees(read, people):
    newer = add_invitees(people["me"], 20)
    first = read().json()
    expected = [people["me"].pk, people["referrer"].pk, *newer]
    assert [each["id"] for each in first["results"]] == expected
    last = read(first["next"].partition("/api/users/")[2]).json()
    assert ([each["id"] for each in last["results"]], last["next"]) == ([people["friend"].pk], None)
    assert read(last["previous"].partition("/api/users/")[2]).json() == first


def test_a_page_that_has_become_empty_repeats_nobody(read, people):
    add_invitees(people["me"], 20)
    following = read().json()["next"].partition("/api/users/")[2]
    Referral.objects.filter(referred=people["friend"]).delete()
    assert read(following).json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize("reader", ["top", "stranger"])
def test_without_a_referrer_the_list_begins_with_oneself(read, people, reader):
    below = {"top": [people["referrer"].pk], "stranger": []}[reader]
    assert [each["id"] for each in read(reader=reader).json()["results"]] == [people[reader].pk, *below]


def test_a_referrer_who_is_deleted_is_not_in_the_list(read, people):
    Referral.objects.filter(referred=people["me"]).update(referrer=None)
    assert [each["id"] for each in read().json()["results"]] == [people["me"].pk, people["friend"].pk]


@pytest.mark.parametrize("path", ["", "{stranger}/", "{stranger}/invitees/", "{referrer}/invitees/", "{friend 4}/"])
def test_staff_read_everybody(read, people, path):
    people["me"].is_staff = True
    assert read(path).status_code == 200
    assert len(read().json()["results"]) == len(people)


@pytest.mark.parametrize("path", ["", "{stranger}/", "{stranger}/invitees/", "{referrer}/invitees/", "{friend 4}/"])
def test_one_setting_lets_signed_in_users_read_everybody(read, people, settings, path):
    settings.PHONE_REFERRALS_USERS_PERMISSION = ALL
    assert read(path).status_code == 200
    assert len(read().json()["results"]) == len(people)
    assert read("{referrer}/").json()["invitees"]["count"] == 2


def test_the_statements_do_not_grow_with_the_network(read, people, django_assert_num_queries):
    read("{me}/")  # The first look makes the code.
    for path, count in {"": 2, "{friend 3}/": 1, "{referrer}/": 1, "{me}/": 2}.items():
        with django_assert_num_queries(count):
            read(path)
    add_invitees(people["me"], 50)
    add_users(50)
    for path, count in {"": 2, "{friend 3}/": 1, "{referrer}/": 1, "{me}/": 3}.items():
        with django_assert_num_queries(count):
            read(path)


def test_a_view_of_the_host_is_told_by_an_object_of_its_own(rf, people):
    request = rf.get("/")
    request.user = people["me"]
    may = OwnNetwork().has_object_permission
    assert may(request, None, people["friend"])
    with pytest.raises(Http404):
        may(request, None, people["stranger"])
    request.user.is_staff = True
    assert may(request, None, people["stranger"])
    request.user = AnonymousUser()
    assert not OwnNetwork().has_permission(request, None)


class Nobody(BasePermission):
    def has_permission(self, request, view):
        return False

    def has_object_permission(self, request, view, obj):
        return False


def test_the_permission_of_the_setting_is_read_at_each_request(rf, settings):
    request = rf.get("/")
    request.user = AnonymousUser()
    assert not users_permission().has_permission(request, None)
    settings.PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.AllowAny"
    assert users_permission().has_permission(request, None)
    assert users_permission().has_object_permission(request, None, object())
    settings.PHONE_REFERRALS_USERS_PERMISSION = f"{__name__}.Nobody"
    assert not users_permission().has_permission(request, None)
    assert not users_permission().has_object_permission(request, None, object())


def test_the_network_is_as_deep_as_the_walks():
    assert MAX_LEVELS == 3, "the people above have three levels below the reader"
