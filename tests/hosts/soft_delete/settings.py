"""A site that keeps the rows of deleted users and hides them by its default manager."""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.soft_delete", "phonenumber_field", "rest_framework"]
INSTALLED_APPS += ["rest_framework.authtoken", "rest_framework_simplejwt.token_blacklist", "knox", "phone_referrals"]
ROOT_URLCONF = "tests.pages.urls"
AUTH_USER_MODEL = "soft_delete.User"
AUTHENTICATION_BACKENDS = [
    "phone_referrals.signin.backend.PhoneCodeBackend",
    "django.contrib.auth.backends.ModelBackend",
]
SIMPLE_JWT = {
    "SIGNING_KEY": "for the tests of tokens, and long enough for HMAC-SHA256",
    "TOKEN_REFRESH_SERIALIZER": "phone_referrals.tokens.jwt.TokenRefreshSerializer",
}
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
PHONE_REFERRALS_ACCOUNTS = "tests.hosts.soft_delete.people.Accounts"
