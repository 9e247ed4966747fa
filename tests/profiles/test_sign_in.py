import pytest

from phone_referrals import signals
from phone_referrals.models import Referral, ReferralCode
from phone_referrals.profiles.sign_in import sign_in
from phone_referrals.referrals import codes

pytestmark = pytest.mark.django_db


@pytest.fixture
def inviter(make_user):
    return codes.code_of(make_user(50))


def test_a_sign_in_without_a_code_tells_of_none(phone, send_code):
    signed_in = sign_in(phone_number=phone, code=send_code(phone))
    assert (signed_in.created, signed_in.redeemed, signed_in.refusal, signed_in.referral) == (True, False, None, None)


def test_the_referral_code_is_redeemed_after_the_sign_in(phone, send_code, inviter):
    signed_in = sign_in(phone_number=phone, code=send_code(phone), referral_code=inviter.code)
    assert signed_in.referral == {"redeemed": True, "code": None, "detail": None}
    assert Referral.objects.get().referrer == inviter.user
    again = sign_in(phone_number=phone, code=send_code(phone), referral_code=inviter.code)
    assert not again.redeemed
    assert again.refusal.code == again.referral["code"] == "already_redeemed"


@pytest.mark.django_db(transaction=True)
def test_a_signal_tells_of_the_referral(phone, send_code, inviter):
    heard = []
    receivers = {name: lambda name=name, **_: heard.append(name) for name in ("user_signed_up", "referral_redeemed")}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    try:
        sign_in(phone_number=phone, code=send_code(phone), referral_code=inviter.code)
    finally:
        for name, receiver in receivers.items():
            getattr(signals, name).disconnect(receiver)
    assert heard == ["user_signed_up", "referral_redeemed"]


def test_a_new_user_redeems_an_invitation(phone, send_code, inviter):
    signed_in = sign_in(phone_number=phone, code=send_code(phone), invites=[inviter.code])
    assert (signed_in.created, signed_in.redeemed, signed_in.refusal) == (True, True, None)
    assert Referral.objects.get().referrer == inviter.user


def test_who_is_a_user_already_redeems_no_invitation(phone, make_user, send_code, inviter):
    make_user()
    signed_in = sign_in(phone_number=phone, code=send_code(phone), invites=[inviter.code])
    assert (signed_in.created, signed_in.redeemed, signed_in.refusal) == (False, False, None)
    assert not Referral.objects.exists()


def test_a_code_that_was_typed_comes_before_an_invitation(phone, send_code, inviter, make_user):
    typed = codes.code_of(make_user(51))
    sign_in(phone_number=phone, code=send_code(phone), referral_code=typed.code, invites=[inviter.code])
    assert Referral.objects.get().referrer == typed.user


def test_an_invitation_that_is_refused_costs_no_sign_in(phone, send_code, inviter):
    ReferralCode.objects.filter(pk=inviter.pk).update(is_disabled=True)
    signed_in = sign_in(phone_number=phone, code=send_code(phone), invites=[inviter.code])
    assert signed_in.created
    assert signed_in.refusal.code == "invalid_referral_code"
