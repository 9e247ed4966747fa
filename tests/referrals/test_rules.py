from datetime import timedelta

import pytest
from django.utils import timezone

from phone_referrals.exceptions import InvalidReferralCode, NotEligible, OwnCode
from phone_referrals.models import Referral
from phone_referrals.referrals.redeem import redeem
from phone_referrals.referrals.rules import RedeemWithin

first_week = RedeemWithin(days=7)
seen = []


def not_from_the_first(*, user, referral_code):
    """A host's own rule."""
    if referral_code.code == "A0":
        raise NotEligible("Not from this one.")


def watch(**said):
    seen.append(said)


@pytest.fixture
def people(make_people):
    return make_people(3)


def joined(user, **ago):
    user.date_joined = timezone.now() - timedelta(**ago)
    return user


def test_without_rules_a_code_may_be_entered_at_any_time(people):
    redeem(joined(people[1], days=5000), "A0")


def test_redeem_within_lets_newcomers_in(people, settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.first_week"]

    redeem(joined(people[1], days=6, hours=23), "A0")


def test_redeem_within_refuses_who_joined_earlier(people, settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.first_week"]

    with pytest.raises(NotEligible) as refused:
        redeem(joined(people[1], days=7, hours=1), "A0")
    assert (refused.value.code, refused.value.status_code) == ("not_eligible", 403)
    assert not Referral.objects.exists()


def test_a_rule_of_the_host_refuses_in_its_own_words(people, settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.first_week", f"{__name__}.not_from_the_first"]

    with pytest.raises(NotEligible, match=r"Not from this one\."):
        redeem(people[2], "A0")
    redeem(people[2], "A1")


def test_a_rule_is_told_who_enters_whose_code(people, settings):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.watch"]
    seen.clear()

    redeem(people[1], "A0")

    ((said),) = seen
    assert said["user"] == people[1]
    assert said["referral_code"].user == people[0]


@pytest.mark.parametrize(("code", "refusal"), [("A1", OwnCode), ("NONE", InvalidReferralCode)])
def test_a_rule_is_not_asked_about_what_is_refused_anyway(people, settings, code, refusal):
    settings.PHONE_REFERRALS_REDEEM_RULES = [f"{__name__}.watch"]
    seen.clear()

    with pytest.raises(refusal):
        redeem(people[1], code)
    assert seen == []
