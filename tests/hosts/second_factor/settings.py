"""A site whose users may have a second factor, of django-otp or of allauth."""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS
from tests.settings import MIDDLEWARE as PLAIN_MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.phone_first", "phonenumber_field"]
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "phone_referrals"]
INSTALLED_APPS += ["django_otp", "django_otp.plugins.otp_totp", "allauth", "allauth.account", "allauth.mfa"]
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "django_otp.middleware.OTPMiddleware", "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.pages.urls"
AUTH_USER_MODEL = "phone_first.User"
AUTHENTICATION_BACKENDS = [
    "phone_referrals.signin.backend.PhoneCodeBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"phone"}
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
