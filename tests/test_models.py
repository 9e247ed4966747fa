from datetime import date

import pytest
from django.db import IntegrityError, transaction

from phone_referrals.models import PhoneVerification, RedeemedPhone, Referral, ReferralCode, SmsUsage
from phone_referrals.signin.models import Message, State

pytestmark = pytest.mark.django_db


def make_row(phone_number="+12015550100", purpose="sign_in", **values):
    return PhoneVerification.objects.create(phone_number=phone_number, purpose=purpose, **values)


def refuses():
    """The database itself refuses: nothing of Django's validation has run."""
    return pytest.raises(IntegrityError)


# Phone verifications


def test_a_phone_has_one_row_for_each_purpose():
    make_row()
    make_row(purpose="another")

    with refuses(), transaction.atomic():
        make_row()


def test_a_state_is_written_where_nobody_has_written_since():
    row = make_row()
    state = State(
        serial=-5,
        code_expires_at=1893499200.123456,
        sent_at=(Message(1.5, 3), Message(2.5, 0, "digest")),
        unbound_guesses_at=(3.5,),
    )

    assert PhoneVerification.objects.write(row, state)

    row.refresh_from_db()
    assert row.state == state
    assert row.version == 1


def test_a_state_is_not_written_over_a_newer_one():
    row = make_row()
    assert PhoneVerification.objects.write(row, State(sent_since_success=1))

    assert not PhoneVerification.objects.write(row, State(sent_since_success=2))

    row.refresh_from_db()
    assert row.sent_since_success == 1


@pytest.mark.parametrize("serial", [-(2**63), 2**63 - 1])
def test_a_serial_has_64_bits(serial):
    make_row(serial=serial)

    assert PhoneVerification.objects.get().serial == serial


def test_clearing_forgets_everything_and_defeats_earlier_reads():
    row = make_row(
        serial=1,
        code_expires_at=1.5,
        wrong_guesses_since_success=100,
        sent_at=[[1.5, 5, ""]],
        sent_since_success=3,
        refused_in_a_row=2,
        resend_at=1.5,
        unbound_guesses_at=[1.5],
        unbound_guesses_since_success=20,
    )

    assert PhoneVerification.objects.clear() == 1

    cleared = PhoneVerification.objects.get()
    assert cleared.state == State()
    assert cleared.updated_at > row.updated_at
    assert not PhoneVerification.objects.write(row, row.state)


def test_a_verification_is_named_by_a_masked_number():
    assert str(make_row(phone_number="+12015550123")) == "+1 *** *** **23 (sign_in)"


# Referral codes


@pytest.fixture
def users(make_user):
    return [make_user(number) for number in range(3)]


def test_a_code_belongs_to_one_user(users):
    ReferralCode.objects.create(user=users[0], code="A0")

    with refuses(), transaction.atomic():
        ReferralCode.objects.create(user=users[1], code="A0")


def test_a_user_has_one_active_code(users):
    ReferralCode.objects.create(user=users[0], active_for=users[0], code="A0")

    with refuses(), transaction.atomic():
        ReferralCode.objects.create(user=users[0], active_for=users[0], code="A1")


def test_a_code_is_active_for_its_owner_alone(users):
    with refuses(), transaction.atomic():
        ReferralCode.objects.create(user=users[0], active_for=users[1], code="A0")


def test_a_user_has_any_number_of_older_codes(users):
    for number in range(3):
        ReferralCode.objects.create(user=users[0], code=f"A{number}", active_for=users[0] if number == 2 else None)

    assert ReferralCode.objects.exclude(active_for=None).get().code == "A2"


def test_disabled_codes_are_not_enabled(users):
    ReferralCode.objects.create(user=users[0], code="A0", is_disabled=True)
    enabled = ReferralCode.objects.create(user=users[1], code="A1")

    assert ReferralCode.objects.enabled().get() == enabled


def test_a_limited_code_counts_its_uses_in_the_database(users):
    code = ReferralCode.objects.create(user=users[0], code="A0", max_uses=2)

    assert [code.take_one_use() for _ in range(3)] == [True, True, False]
    code.refresh_from_db()
    assert code.uses == 2


def test_a_use_is_one_of_its_own_code(users):
    one, other = [ReferralCode.objects.create(user=users[number], code=f"A{number}", max_uses=2) for number in range(2)]

    one.take_one_use()

    other.refresh_from_db()
    assert other.uses == 0


def test_the_codes_of_a_deleted_user_are_gone(users):
    ReferralCode.objects.create(user=users[0], code="A0")
    users[0].delete()

    assert not ReferralCode.objects.exists()


def test_a_code_is_named_by_itself(users):
    assert str(ReferralCode(user=users[0], code="A0")) == "A0"


# Referrals


def test_a_user_is_referred_once(users):
    Referral.objects.create(referrer=users[0], referred=users[2])

    with refuses(), transaction.atomic():
        Referral.objects.create(referrer=users[1], referred=users[2])


def test_nobody_is_their_own_referrer(users):
    with refuses(), transaction.atomic():
        Referral.objects.create(referrer=users[0], referred=users[0])


def test_a_referral_without_a_referrer_is_no_breach(users):
    Referral.objects.create(referrer=None, referred=users[0])


def test_deleting_the_referred_user_removes_the_referral(users):
    Referral.objects.create(referrer=users[0], referred=users[1])
    users[1].delete()

    assert not Referral.objects.exists()


def test_deleting_the_referrer_leaves_the_referral_without_one(users):
    Referral.objects.create(referrer=users[0], referred=users[1], code="A0")
    users[0].delete()

    referral = Referral.objects.get()
    assert (referral.referrer, referral.referred, referral.code) == (None, users[1], "A0")


def test_the_codes_of_one_referrer_are_erased(users, make_user, refer):
    refer(users[0], users[1], users[2])
    refer(users[1], make_user(3))

    assert Referral.objects.of(users[0]).erase_codes() == 2
    assert sorted(Referral.objects.values_list("referrer", "code")) == [
        (users[0].pk, ""),
        (users[0].pk, ""),
        (users[1].pk, "A"),
    ]


def test_a_referral_is_named_by_keys_and_not_by_numbers(users):
    first, second, _ = users

    assert str(Referral(referrer=first, referred=second)) == f"{first.pk} → {second.pk}"
    assert str(Referral(referrer=None, referred=second)) == f"- → {second.pk}"


def test_a_redeemed_phone_is_named_by_a_part_of_its_digest():
    assert str(RedeemedPhone(digest="0123456789abcdef")) == "01234567…"


@pytest.mark.parametrize(("region", "text"), [("US", "2030-01-01 US"), ("", "2030-01-01 *")])
def test_a_count_of_messages_is_named_by_its_day_and_region(region, text):
    assert str(SmsUsage(day=date(2030, 1, 1), region=region)) == text
