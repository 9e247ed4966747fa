"""PostgreSQL's own log beside requests that collide. Below the rule: the naive twin, which leaves the phone in it.

The log quotes the rows of refused inserts. The number is used by no other test, because
tests share the server.
"""

import re
import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, transaction

from phone_referrals import statements
from phone_referrals.models import PhoneVerification, RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals import once
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin import change_phone, usage
from phone_referrals.signin.codes import Purpose
from phone_referrals.signin.sign_in import sign_in
from phone_referrals.signin.verification import request_code
from phone_referrals.tokens import get_issuer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="It reads PostgreSQL's log."),
]

# Another one for the naive twin, which may run at the same time: all tests have one log.
PHONE, PHONE_OF_TWIN = "+12125550187", "+12125550186"
THREADS = 10


@pytest.fixture
def quotes_the_phone():
    """Tell whether the server has written the phone, in any spelling, since the test began."""

    def read():
        try:
            with connection.cursor() as cursor:
                # Without a collector of logs, the temporary server of the tests writes to a file in its directory.
                cursor.execute("SELECT pg_read_file(COALESCE(pg_current_logfile(), 'log'))")
                return cursor.fetchone()[0]
        except DatabaseError:
            pytest.skip("This PostgreSQL's log is not to be read.")

    begins_at = len(read())
    return lambda phone: phone.removeprefix("+1") in re.sub(r"[\s().-]", "", read()[begins_at:])


def test_requests_that_collide_leave_no_phone_in_the_log(at_once, make_user, last_code, quotes_the_phone):
    def all_at_once(call):
        return at_once(*[call] * THREADS)

    all_at_once(lambda: request_code(phone_number=PHONE, host="example.com"))
    code = last_code(PHONE)
    all_at_once(lambda: sign_in(phone_number=PHONE, code=code))
    user, owner = get_user_model().objects.get(phone_number=PHONE), make_user(0)
    ReferralCode.objects.create(user=owner, code="A0")
    all_at_once(lambda: redeem(user, "A0"))
    all_at_once(lambda: usage.record_verified(PHONE))
    all_at_once(lambda: once._keep(PHONE))
    assert Referral.objects.count() == RedeemedPhone.objects.count() == PhoneVerification.objects.count() == 1
    user.delete()
    PhoneVerification.objects.all().delete()
    change = {"phone_number": PHONE, "purpose": Purpose.CHANGE_PHONE, "user": owner}
    all_at_once(lambda: request_code(**change, host="example.com"))
    all_at_once(lambda: change_phone._change(owner, PHONE, get_issuer()))
    assert get_user_model().objects.get().phone_number == PHONE
    assert not quotes_the_phone(PHONE)


def create(row, *, using):
    """As `statements.insert`, by an INSERT that collides."""
    try:
        with transaction.atomic(using=using):
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def test_an_insert_that_collides_leaves_the_phone_in_the_log(at_once, monkeypatch, quotes_the_phone):
    both, insert = threading.Barrier(2, timeout=60), statements.insert

    def meet_and_create(row, *, using):
        if not isinstance(row, PhoneVerification):
            return insert(row, using=using)
        both.wait()  # So that neither has seen the other's row.
        return create(row, using=using)

    monkeypatch.setattr(statements, "insert", meet_and_create)
    at_once(*[lambda: request_code(phone_number=PHONE_OF_TWIN, host="example.com")] * 2)
    assert quotes_the_phone(PHONE_OF_TWIN)
