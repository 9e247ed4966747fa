import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from phone_referrals.exceptions import AccountDisabled, Busy, InvalidReferralCode
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import edges
from phone_referrals.referrals.redeem import redeem

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="Of PostgreSQL.")


def test_a_root_that_moves_all_the_time_ends_in_busy(people, monkeypatch):
    tries = []

    def moved(referral, referral_code, root, using):
        tries.append(root)
        raise edges._RootHasMoved

    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {connection.vendor: moved})

    with pytest.raises(Busy) as refused:
        redeem(people[1], "A0")
    assert refused.value.retry_after == 1
    assert tries == [people[0].pk, *[None] * 49]


@on_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_that_locks_cannot_renew_is_refused(people, monkeypatch, level):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {"postgresql": edges._insert_with_advisory_locks})
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        with pytest.raises(TransactionManagementError, match=f"needs READ COMMITTED, not {level}"):
            redeem(people[1], "A0")

    assert not Referral.objects.exists()


@on_postgresql
def test_the_redeemer_is_locked_and_the_root_shared(people, refer, monkeypatch):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {"postgresql": edges._insert_with_advisory_locks})
    root, owner, me = people
    refer(root, owner)
    with transaction.atomic(), connection.cursor() as cursor:
        redeem(me, "A1")
        cursor.execute(
            "SELECT (classid::bigint << 32) + objid::bigint, mode FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert dict(cursor.fetchall()) == {
            edges._lock_key(root.pk): "ShareLock",
            edges._lock_key(me.pk): "ExclusiveLock",
        }
    assert len({edges._lock_key(pk) for pk in range(1000)}) == 1000


@on_postgresql
@pytest.mark.parametrize(("max_uses", "locks"), [(None, 0), (5, 1)])
def test_the_owner_of_a_counted_code_is_locked_before_it(people, monkeypatch, max_uses, locks):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {"postgresql": edges._insert_with_advisory_locks})
    ReferralCode.objects.filter(code="A0").update(max_uses=max_uses)
    with CaptureQueriesContext(connection) as captured:
        redeem(people[1], "A0")
    assert sum(each["sql"].endswith("FOR NO KEY UPDATE") for each in captured) == locks


@on_postgresql
def test_where_rows_are_locked_they_are_locked_whole(people, monkeypatch):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {})
    with CaptureQueriesContext(connection) as captured:
        redeem(people[1], "A0")
    assert [each["sql"].rpartition(" FOR ")[2] for each in captured if " FOR " in each["sql"]] == ["UPDATE"]


def test_an_owner_who_was_deleted_meanwhile_cannot_be_locked(people):
    referral = Referral(referred=people[0], referrer_id=people[1].pk)
    edges._lock_rows([people[1].pk], referral, "default")
    people[1].delete()
    referral.referrer_id = 0
    with pytest.raises(InvalidReferralCode):
        edges._lock_rows([0], referral, "default")


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_server_side_parameters_get_one_statement_at_a_time(people, monkeypatch):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {"postgresql": edges._insert_with_advisory_locks})
    try:
        for user, is_apart in zip(people[1:], (False, True), strict=True):
            connection.close()
            monkeypatch.setitem(connection.settings_dict["OPTIONS"], "server_side_binding", is_apart)
            vars(connection.features).pop("uses_server_side_binding", None)
            redeem(user, "A0")
            assert edges._takes_two_statements(connection) != is_apart
    finally:
        connection.close()
        vars(connection.features).pop("uses_server_side_binding", None)
    assert Referral.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_vendor", [edges.INSERT_BY_VENDOR, {}], ids=["own", "rows"])
def test_a_user_who_was_deleted_meanwhile_redeems_nothing(people, monkeypatch, by_vendor):
    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", by_vendor)
    get_user_model().objects.filter(pk=people[1].pk).delete()
    with pytest.raises(AccountDisabled):
        redeem(people[1], "A0")
    assert not Referral.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("number", "refusal"), [(1205, Busy), (1213, Busy), (1, OperationalError)])
def test_who_met_locks_of_others_is_told_to_come_back(people, monkeypatch, number, refusal):
    def locked(*args):
        raise OperationalError(number, "in a driver's words")

    monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {connection.vendor: locked})
    with pytest.raises(refusal):
        redeem(people[1], "A0")
    # A transaction around it has been rolled back by the database, which its owner has to know.
    with transaction.atomic(), pytest.raises(OperationalError):
        redeem(people[1], "A0")
