"""Every refusal, in one tree. `api.py` turns it into JSON; a Django form shows it as it is."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class PhoneReferralsError(ValidationError):
    """Base of all refusals: a stable `code` for programs, a message for people, a status for HTTP.

    A subclass gives its own as `class Late(RedeemError, code="late", status_code=409)`, or as attributes.
    `retry_after` is in seconds; `extra` goes into the answer beside the message.
    """

    code = "error"
    status_code = 400
    default_message: Any = _("This is not possible.")

    def __init_subclass__(cls, *, code: str = "", status_code: int = 0) -> None:
        super().__init_subclass__()
        if code:
            cls.code = code
        if status_code:
            cls.status_code = status_code

    def __init__(self, message: Any = None, *, retry_after: int | None = None, **extra: Any) -> None:
        super().__init__(message or self.default_message, code=self.code)
        self.retry_after = retry_after
        self.extra = extra


class Busy(PhoneReferralsError, code="busy", status_code=503):
    default_message = _("Too many requests at the same moment.")


class TooManyRequests(PhoneReferralsError, code="throttled", status_code=429):
    """A client address has sent too many requests. Raised by the pages: in the API DRF answers by itself."""

    default_message = _("Too many requests.")


class Unavailable(PhoneReferralsError, code="unavailable", status_code=503):
    """The database cannot be reached."""

    default_message = _("Try again in a moment.")


class NotUTF8(PhoneReferralsError, code="unsupported_media_type", status_code=415):
    """A request has another charset."""

    default_message = _("Send UTF-8.")


class CrossSite(PhoneReferralsError, code="cross_site", status_code=403):
    """A page of another site has sent a form to the API."""

    default_message = _("Forms of other sites are not accepted. Send JSON.")


class InvalidPhoneNumber(PhoneReferralsError, code="invalid_phone_number"):
    default_message = _("Enter a valid phone number.")


class InvalidCursor(PhoneReferralsError, code="invalid_cursor"):
    default_message = _("This page does not exist.")


# Sign-in


class SignInError(PhoneReferralsError):
    """A code was not sent or not accepted."""


class PhoneNotAllowed(SignInError, code="phone_not_allowed"):
    """Base of the refusals that depend on the number alone."""

    default_message = _("Codes are not sent to numbers of this kind.")


class RegionNotServed(PhoneNotAllowed, code="region_not_served"):
    default_message = _("Codes are not sent to numbers of this country or territory.")


class LandlineNotAllowed(PhoneNotAllowed, code="landline_not_allowed"):
    default_message = _("Codes are not sent to landlines. Enter a mobile number.")


class ServiceNumberNotAllowed(PhoneNotAllowed, code="service_number_not_allowed"):
    default_message = _("Codes are not sent to premium-rate and service numbers. Enter a mobile number.")


class ResendTooSoon(SignInError, code="resend_too_soon", status_code=429):
    default_message = _("A code was sent a moment ago. Wait before you ask for another one.")


class TooManyMessages(SignInError, code="too_many_messages", status_code=429):
    default_message = _("Too many codes were sent to this phone.")


class SmsLimitReached(SignInError, code="sms_limit_reached", status_code=503):
    default_message = _("No more messages can be sent now.")


class CaptchaFailed(SignInError, code="captcha_failed"):
    default_message = _("Confirm that you are not a robot.")


class CaptchaUnavailable(SignInError, code="captcha_unavailable", status_code=503):
    default_message = _("The check against robots does not answer. Try again.")


class DeliveryFailed(SignInError, code="delivery_failed", status_code=503):
    """The gateway did not take a message. A backend raises it when it knows so."""

    default_message = _("The message could not be sent. Try again.")


class InvalidCode(SignInError, code="invalid_code"):
    default_message = _("Wrong code.")


class CodeExpired(SignInError, code="code_expired"):
    default_message = _("This code is no longer valid. Ask for a new one.")


class TooManyGuesses(SignInError, code="too_many_guesses", status_code=429):
    default_message = _("Too many wrong codes. Ask for a new one.")


class PhoneLocked(SignInError, code="phone_locked", status_code=403):
    default_message = _("Sign-in with this phone is locked after too many wrong codes. Contact support.")


class SignInRefused(SignInError, code="sign_in_refused", status_code=403):
    """Another authentication backend of the site has refused."""

    default_message = _("You cannot sign in now.")


class AccountDisabled(SignInError, code="account_disabled", status_code=403):
    default_message = _("This account is disabled.")


class StaffNotAllowed(SignInError, code="staff_not_allowed", status_code=403):
    default_message = _("Staff cannot sign in by phone.")


class SecondFactorRequired(SignInError, code="second_factor_required", status_code=403):
    """A code by SMS would bypass the second factor that the user has set up."""

    default_message = _("Your account has a second factor. Sign in with your password and the second factor.")


# The user's own account


class SamePhone(SignInError, code="same_phone"):
    default_message = _("This is your phone number already.")


class ProofRequired(SignInError, code="proof_required", status_code=403):
    default_message = _("Enter the code that was sent to your current phone, or sign in again.")


class PhoneTaken(SignInError, code="phone_taken", status_code=409):
    default_message = _("Another account has this phone number.")


class NoPhone(SignInError, code="no_phone"):
    default_message = _("Your account has no phone number.")


class DeletionRefused(PhoneReferralsError, code="deletion_refused", status_code=409):
    default_message = _("Your account cannot be deleted now. Contact support.")


# Referrals


class RedeemError(PhoneReferralsError):
    """A referral code was not redeemed."""


class InvalidReferralCode(RedeemError, code="invalid_referral_code"):
    default_message = _("There is no such referral code.")


class OwnCode(RedeemError, code="own_code"):
    default_message = _("This is your own referral code.")


class AlreadyRedeemed(RedeemError, code="already_redeemed", status_code=409):
    default_message = _("You have already entered a referral code.")


class CircularReferral(RedeemError, code="circular_referral", status_code=409):
    default_message = _("The owner of this code was invited by you or by somebody you invited.")


class ReferralCodeExpired(RedeemError, code="referral_code_expired"):
    default_message = _("This referral code has expired.")


class ReferralCodeExhausted(RedeemError, code="code_exhausted"):
    default_message = _("This referral code has been used up.")


class NotEligible(RedeemError, code="not_eligible", status_code=403):
    default_message = _("You cannot enter a referral code.")


class ReferralCodeTaken(PhoneReferralsError, code="code_taken", status_code=409):
    """A code was not given to a user, because another one has it."""

    default_message = _("This referral code is taken.")


class ReferralCodeReserved(PhoneReferralsError, code="code_reserved"):
    default_message = _("This referral code is reserved.")
