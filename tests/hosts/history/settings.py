"""A site that keeps a history of its users by django-simple-history."""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS
from tests.settings import MIDDLEWARE as PLAIN_MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.history", "simple_history", "phonenumber_field"]
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "phone_referrals"]
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "simple_history.middleware.HistoryRequestMiddleware"]
ROOT_URLCONF = "tests.pages.urls"
AUTH_USER_MODEL = "history.User"
AUTHENTICATION_BACKENDS = [
    "phone_referrals.signin.backend.PhoneCodeBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
