import pytest
from django.contrib.auth import get_user_model

from phone_referrals.models import ReferralCode


@pytest.fixture
def make_people(db):
    """Make users without a phone, and with a code each: `A0` of the first, `A1` of the second, and so on."""

    def make_people(count):
        model = get_user_model()
        people = model.objects.bulk_create([model() for _ in range(count)])
        ReferralCode.objects.bulk_create(ReferralCode(user=user, code=f"A{n}") for n, user in enumerate(people))
        return people

    return make_people


@pytest.fixture
def people(make_people):
    """Three users with the codes `A0`, `A1` and `A2`."""
    return make_people(3)
