"""The package on a lean site: every limit is on but the rates per client address, which all contenders have off."""

from contenders.base import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "phonenumber_field",
    "rest_framework",
    "rest_framework.authtoken",
    "phone_referrals",
    "accounts",
]
AUTH_USER_MODEL = "accounts.User"  # The example's.
AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend"]
ROOT_URLCONF = "contenders.ours.urls"
REST_FRAMEWORK = {
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(
        (
            "phone_referrals_get_verify_code",
            "phone_referrals_auth",
            "phone_referrals_redeem_address",
            "phone_referrals_redeem_user",
            "phone_referrals_read",
        )
    ),
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
PHONE_REFERRALS_SMS_BACKEND = "contenders.ours.sms.SmsBackend"
PHONE_REFERRALS_SMS_DAILY_LIMIT = {"US": 1_000_000_000}  # Never reached, and counted as one that is.
PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAuthenticated"  # As the others list users.
PHONE_REFERRALS_ECHO_CODE = True  # How the client learns the code.
