import pytest
from django.contrib.auth import get_user_model

from phone_referrals.models import Referral
from phone_referrals.referrals.serializers import InvitedPersonSerializer, RedeemSerializer


@pytest.mark.parametrize("code", ["", " ", None, 501 * "A", [], True])
def test_a_referral_code_to_redeem_is_a_short_text(code):
    assert not RedeemSerializer(data={"referral_code": code}).is_valid()


@pytest.mark.parametrize(("phone_number", "name"), [("+12015550101", "+1 *** *** **01"), (None, "#7"), ("", "#7")])
def test_a_person_is_shown_by_the_name_of_the_account(phone_number, name):
    referral = Referral(referred=get_user_model()(pk=7, phone_number=phone_number))
    assert InvitedPersonSerializer(referral).data["user"] == {"id": 7, "name": name}
