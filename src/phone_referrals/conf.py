"""Every setting of the package: its full name, type, default and meaning.

Each setting is read when it is used, so `override_settings` works and nothing is frozen at import.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from django.conf import settings

Value = TypeVar("Value")


def _get(name: str, default: Value) -> Value:
    value: Value = getattr(settings, name, default)
    return value


class Conf:
    # The host's users

    @property
    def phone_field(self) -> str:
        """Name of the user model's phone column, or a path to it through one relation (`"profile__phone"`)."""
        return str(_get("PHONE_REFERRALS_PHONE_FIELD", "phone_number"))

    @property
    def accounts(self) -> str:
        """Dotted path of the class that maps a phone number to a user of the host."""
        return str(_get("PHONE_REFERRALS_ACCOUNTS", "phone_referrals.accounts.PhoneAccounts"))

    @property
    def allow_staff(self) -> bool:
        """Whether staff may sign in by SMS, which is a weaker proof than their password and second factor."""
        return bool(_get("PHONE_REFERRALS_ALLOW_STAFF", default=False))

    @property
    def users_permission(self) -> str:
        """Dotted path of the DRF permission to read other people: the list, their profiles, their invitees.

        By default staff read everybody, and other users their referrer and the people below them.
        `"rest_framework.permissions.IsAuthenticated"` shows all users, masked, to everybody who has signed up.
        """
        return str(_get("PHONE_REFERRALS_USERS_PERMISSION", "phone_referrals.profiles.permissions.OwnNetwork"))

    @property
    def token_issuer(self) -> str:
        """Dotted path of the class that issues and revokes API tokens."""
        return str(_get("PHONE_REFERRALS_TOKEN_ISSUER", "phone_referrals.tokens.DRFTokenIssuer"))

    @property
    def recent_sign_in(self) -> int:
        """Seconds after a sign-in during which a user can change the phone without a code to the old one.

        0: the old phone always gets a code.
        """
        return int(_get("PHONE_REFERRALS_RECENT_SIGN_IN", 600))

    # Codes and their limits

    @property
    def allowed_regions(self) -> Sequence[str] | Literal["*"]:
        """ISO 3166-1 codes of the regions to which messages are sent, such as `["RU", "KZ"]`; `"*"` is all.

        Unset: all regions while `DEBUG` is on, and none otherwise.
        """
        value: Sequence[str] | Literal["*"] | None = _get("PHONE_REFERRALS_ALLOWED_REGIONS", None)
        return ("*" if settings.DEBUG else ()) if value is None else value

    @property
    def number_types(self) -> Sequence[str]:
        """Types of numbers to which messages are sent, by libphonenumber's names.

        Premium-rate, shared-cost and toll-free numbers, pagers, voice mail and UANs would cost money or reach nobody.
        """
        return _get("PHONE_REFERRALS_NUMBER_TYPES", ("mobile", "fixed_line_or_mobile"))

    @property
    def test_numbers(self) -> Mapping[str, Mapping[str, str]]:
        """Numbers with a fixed code, for reviewers of an app, who cannot receive SMS.

        `{"+12015550123": {"code": "123456", "until": "2027-01-31"}}`: E.164, and the last day in UTC.
        No SMS is sent to them, so only the limits of guesses apply. Staff cannot sign in with them.
        """
        return _get("PHONE_REFERRALS_TEST_NUMBERS", {})

    @property
    def code_digits(self) -> int:
        """Digits of a code. NIST SP 800-63B asks for 20 bits, which is 6 digits."""
        return int(_get("PHONE_REFERRALS_CODE_DIGITS", 6))

    @property
    def code_lifetime(self) -> int:
        """Seconds for which a code is valid. NIST SP 800-63B and OWASP ASVS 6.5.5 allow 600 at most."""
        return int(_get("PHONE_REFERRALS_CODE_LIFETIME", 600))

    @property
    def messages_per_day(self) -> int:
        """Messages to one phone for one purpose in any 24 hours."""
        return int(_get("PHONE_REFERRALS_MESSAGES_PER_DAY", 10))

    @property
    def resend_wait(self) -> tuple[int, int]:
        """The shortest and the longest wait before another message, in seconds: it doubles with every message."""
        first, most = _get("PHONE_REFERRALS_RESEND_WAIT", (30, 3600))
        return int(first), int(most)

    # Messages

    @property
    def sms_backend(self) -> str:
        """Dotted path of the class that hands a message to an SMS gateway."""
        return str(_get("PHONE_REFERRALS_SMS_BACKEND", "phone_referrals.sms.console.SmsBackend"))

    @property
    def apprise_url(self) -> str:
        """Apprise's URL of the gateway, with `{phone_number}` in it: `"twilio://SID:TOKEN@FROM/{phone_number}"`."""
        return str(_get("PHONE_REFERRALS_APPRISE_URL", ""))

    @property
    def site_host(self) -> str:
        """Host name of the site, such as `"example.com"`, for messages (WebOTP) and invite links.

        Empty: the host of the request, which a stranger can choose if `ALLOWED_HOSTS` has a wildcard.
        """
        return str(_get("PHONE_REFERRALS_SITE_HOST", ""))

    @property
    def sms_android_hash(self) -> str:
        """The 11-character hash by which Android's SMS Retriever finds the app. Empty: messages have none."""
        return str(_get("PHONE_REFERRALS_SMS_ANDROID_HASH", ""))

    @property
    def sms_queue(self) -> str:
        """Name of the queue of Django Tasks whose worker sends the codes; `True` is `"default"`.

        Off: the request waits for the gateway, and a slow gateway keeps one process of the site busy for each request.
        """
        value: str | bool = _get("PHONE_REFERRALS_SMS_QUEUE", default=False)
        return "default" if value is True else value or ""

    @property
    def send_guards(self) -> Sequence[str]:
        """Dotted paths of callables that take a `SendRequest` and may refuse it by raising a `SignInError`."""
        return _get("PHONE_REFERRALS_SEND_GUARDS", ())

    @property
    def sms_daily_limit(self) -> Mapping[str, int | None]:
        """Segments of SMS that may be sent in one day (UTC): `{"total": 5000, "*": 500, "CA": 2000, "RU": None}`.

        By ISO 3166-1 code of the region; `"*"` is for each region that is not named, by default 500; `"total"` is for
        all regions together. `None` is no ceiling. A long text has several segments, and gateways bill each.
        """
        return {"*": 500, **_get("PHONE_REFERRALS_SMS_DAILY_LIMIT", {})}

    @property
    def min_conversion(self) -> tuple[int, float] | None:
        """`(100, 0.2)`: if less than a fifth of a region's messages in 24 hours led to a sign-in, and there were at
        least 100, the region gets no more for now. `None` is off.
        """
        return _get("PHONE_REFERRALS_MIN_CONVERSION", None)

    @property
    def echo_code(self) -> bool:
        """Put the code in the answer, for a project that has no SMS gateway yet. Never in production."""
        return bool(_get("PHONE_REFERRALS_ECHO_CODE", default=False))

    # Referrals

    @property
    def code_generator(self) -> str:
        """Dotted path of a function `(length) -> str` that invents referral codes."""
        return str(_get("PHONE_REFERRALS_CODE_GENERATOR", "phone_referrals.referrals.codes.generate"))

    @property
    def redeem_rules(self) -> Sequence[str]:
        """Dotted paths of callables `(*, user, referral_code)` that may refuse by raising `NotEligible`."""
        return _get("PHONE_REFERRALS_REDEEM_RULES", ())

    @property
    def referral_link(self) -> str:
        """Link that shares a code, with `{code}` in it; a path is completed with `PHONE_REFERRALS_SITE_HOST`.

        Empty: the invite page if the site has it, else `/?ref={code}`.
        """
        return str(_get("PHONE_REFERRALS_REFERRAL_LINK", ""))


conf = Conf()
