import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation

from phone_referrals import exceptions
from phone_referrals.exceptions import PhoneReferralsError


def leaves():
    """The refusals that have a code of their own."""
    errors = [each for each in vars(exceptions).values() if isinstance(each, type)]
    return [each for each in errors if "code" in vars(each) and each is not PhoneReferralsError]


CODES = {
    "busy": 503,
    "throttled": 429,
    "invalid_phone_number": 400,
    "invalid_cursor": 400,
    "phone_not_allowed": 400,
    "region_not_served": 400,
    "landline_not_allowed": 400,
    "service_number_not_allowed": 400,
    "resend_too_soon": 429,
    "too_many_messages": 429,
    "delivery_failed": 503,
    "invalid_code": 400,
    "code_expired": 400,
    "too_many_guesses": 429,
    "phone_locked": 403,
    "sms_limit_reached": 503,
    "captcha_failed": 400,
    "captcha_unavailable": 503,
    "sign_in_refused": 403,
    "account_disabled": 403,
    "staff_not_allowed": 403,
    "second_factor_required": 403,
    "same_phone": 400,
    "no_phone": 400,
    "proof_required": 403,
    "phone_taken": 409,
    "deletion_refused": 409,
    "invalid_referral_code": 400,
    "own_code": 400,
    "already_redeemed": 409,
    "circular_referral": 409,
    "referral_code_expired": 400,
    "code_exhausted": 400,
    "not_eligible": 403,
    "code_taken": 409,
    "code_reserved": 400,
    "unavailable": 503,
    "unsupported_media_type": 415,
    "cross_site": 403,
}


def test_codes_and_statuses_stay_as_programs_know_them():
    assert {(leaf.code, leaf.status_code) for leaf in leaves()} == set(CODES.items())


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.__name__)
def test_a_refusal_speaks_to_people_in_their_language(leaf):
    refusal = leaf()
    assert isinstance(refusal, ValidationError)
    english = str(refusal.message)
    assert english.endswith(".")
    assert refusal.message != PhoneReferralsError.default_message
    assert (refusal.retry_after, refusal.extra) == (None, {})
    with translation.override("ru"):
        assert str(refusal.message) != english


def test_a_refusal_carries_what_the_answer_needs():
    refusal = exceptions.InvalidCode("No.", retry_after=5, guesses_left=3)
    assert (refusal.message, refusal.retry_after, refusal.extra) == ("No.", 5, {"guesses_left": 3})


def test_the_branches_tell_sign_in_from_referrals():
    assert issubclass(exceptions.InvalidCode, exceptions.SignInError)
    assert issubclass(exceptions.OwnCode, exceptions.RedeemError)
    assert not issubclass(exceptions.RedeemError, exceptions.SignInError)


def test_a_form_shows_a_refusal_beside_its_field():
    class Form(forms.Form):
        code = forms.CharField()

        def clean_code(self):
            raise exceptions.InvalidCode(guesses_left=3)

    form = Form({"code": "123456"})
    assert form.errors.get_json_data() == {"code": [{"message": "Wrong code.", "code": "invalid_code"}]}
