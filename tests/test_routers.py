"""A host may keep the package's tables in a database that is not the default one: its routers say where."""

from functools import cache

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import Model
from rest_framework.test import APIRequestFactory, force_authenticate

from phone_referrals import signals
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import AlreadyRedeemed, CircularReferral, InvalidCode
from phone_referrals.models import PhoneVerification, QueuedCode, RedeemedPhone, Referral, ReferralCode, SmsUsage
from phone_referrals.profiles.views import MeView
from phone_referrals.referrals import edges, once
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin import usage
from phone_referrals.signin.verification import check_code, request_code


class Elsewhere:
    """What is read from the default database, which is as good as a copy that is late, decides nothing."""

    def db_for_read(self, model, **hints):
        return "default"

    def db_for_write(self, model, **hints):
        return "elsewhere" if issubclass(model, Model) else None


class Late:
    """Users are read from a copy that knows nobody yet."""

    def db_for_read(self, model, **hints):
        return "elsewhere" if model is get_user_model() else "default"

    def db_for_write(self, model, **hints):
        return "default"


@cache
def migrated():
    """Return a database with the tables, as SQLite keeps it in a file: to migrate one takes a second for each test."""
    call_command("migrate", database="elsewhere", run_syncdb=True, verbosity=0)
    return connections["elsewhere"].connection.serialize()


@pytest.fixture
def second_database(settings, django_db_blocker, monkeypatch):
    """A second database, with the tables."""
    monkeypatch.setitem(
        connections.settings,
        "elsewhere",
        connections.configure_settings(
            {"default": {}, "elsewhere": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        )["elsewhere"],
    )
    with django_db_blocker.unblock():
        settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
        connections["elsewhere"].ensure_connection()
        connections["elsewhere"].connection.deserialize(migrated())
        yield
        connections["elsewhere"].connection.close()  # Django itself keeps a database in memory open.
    del connections["elsewhere"]


class ReferralsElsewhere:
    """Referrals are in the second database; what is remembered of phones would be in the first."""

    def db_for_read(self, model, **hints):
        return "default"

    def db_for_write(self, model, **hints):
        return "elsewhere" if model in {Referral, get_user_model()} else "default"


class SignInElsewhere:
    """Sign-in alone is in the second database; the users are in the first."""

    def db_for_write(self, model, **hints):
        return "elsewhere" if model in {PhoneVerification, QueuedCode, SmsUsage} else "default"


@pytest.fixture
def elsewhere(second_database):
    """No statement on the first database."""

    def refuse(*args):
        pytest.fail("A statement on the default database.")

    with connections["default"].execute_wrapper(refuse):
        yield


def test_codes_are_sent_and_judged_where_the_router_says(elsewhere, phone, last_code, settings):
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 10}
    settings.PHONE_REFERRALS_MIN_CONVERSION = (1, 0)
    request_code(phone_number=phone, host="example.com")
    with pytest.raises(InvalidCode):
        check_code(phone_number=phone, code="not it")
    check_code(phone_number=phone, code=last_code(phone))

    assert PhoneVerification.objects.using("elsewhere").count() == 1
    assert SmsUsage.objects.using("elsewhere").count() == 2
    assert usage.ceiling_used(phone) == 0.1


def test_slots_with_room_are_looked_for_where_the_router_says(elsewhere, phone, settings, monkeypatch):
    monkeypatch.setattr(usage, "SEGMENTS_PER_SLOT", 1)
    settings.PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 2}
    for _ in range(2):
        usage.reserve(phone, segments=1)
    assert sorted(SmsUsage.objects.using("elsewhere").values_list("slot", "sent")) == [(0, 1), (1, 1)]


@pytest.mark.django_db
def test_sign_in_may_have_a_database_without_users(second_database, settings, api, phone, last_code):
    settings.DATABASE_ROUTERS = [f"{__name__}.SignInElsewhere"]
    with connections["elsewhere"].cursor() as cursor:
        cursor.execute("ALTER TABLE phone_first_user RENAME TO not_here")
    for status in (201, 200):
        request_code(phone_number=phone, host="example.com")
        answer = api.post("/api/users/auth/", {"phone_number": phone, "code": last_code(phone)})
        assert answer.status_code == status
    assert PhoneVerification.objects.using("elsewhere").count() == 1
    assert not PhoneVerification.objects.using("default").exists()


@pytest.mark.parametrize("locks", ["own", "rows"])
def test_codes_are_redeemed_where_the_router_says(elsewhere, monkeypatch, locks):
    heard = []
    monkeypatch.setattr(signals.referral_redeemed, "send_robust", lambda *args, **kwargs: heard.append(kwargs))
    if locks == "rows":
        monkeypatch.setattr(edges, "INSERT_BY_VENDOR", {})
    first, second = (get_accounts().create(f"+1201555010{number}") for number in range(2))
    ReferralCode.objects.create(user=first, code="A0", max_uses=1)
    ReferralCode.objects.create(user=second, code="A1")

    with transaction.atomic(using="elsewhere"):
        redeem(second, "A0")
        transaction.set_rollback(True, using="elsewhere")
    assert heard == []
    redeem(second, "A0")
    with pytest.raises(AlreadyRedeemed):
        redeem(second, "A0")
    with pytest.raises(CircularReferral):
        redeem(first, "A1")
    assert len(heard) == 1
    assert list(Referral.objects.using("elsewhere").values_list("referred", "referrer")) == [(second.pk, first.pk)]


@pytest.mark.django_db
def test_a_phone_is_remembered_in_the_referrals_database(second_database, settings, phone):
    user = get_accounts().create(phone)
    Referral.objects.using("elsewhere").create(referred=user, referrer=None)
    settings.DATABASE_ROUTERS = [f"{__name__}.ReferralsElsewhere"]

    once.remember(user, phone)

    assert RedeemedPhone.objects.using("elsewhere").count() == 1
    assert not RedeemedPhone.objects.using("default").exists()


@pytest.mark.django_db
def test_a_phone_is_not_taken_for_left_where_a_replica_is_late(second_database, settings, make_user, phone):
    settings.DATABASE_ROUTERS = [f"{__name__}.Late"]
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    user = make_user(0)
    once.remember_if_left(user, phone)
    assert not RedeemedPhone.objects.exists()


@pytest.mark.django_db
def test_a_phone_is_looked_at_again_on_commit(elsewhere, monkeypatch):
    looked = []
    monkeypatch.setattr(once, "remember_if_left", lambda *args: looked.append(args))
    first, second = (get_accounts().create(f"+1201555010{number}") for number in range(2))
    ReferralCode.objects.create(user=first, code="A0")

    with transaction.atomic(using="elsewhere"):
        redeem(second, "A0")
        assert looked == []
    assert looked == [(second, "+12015550101")]


@pytest.mark.django_db
def test_a_new_user_sees_the_profile_before_a_replica_has_it(second_database, settings, make_user):
    settings.DATABASE_ROUTERS = [f"{__name__}.Late"]
    known, deleted = make_user(), get_user_model()(pk=404)

    def me(user):
        request = APIRequestFactory().get("/")
        force_authenticate(request, user)
        return MeView.as_view()(request)

    assert me(known).data["id"] == known.pk
    assert me(deleted).status_code == 404
