"""A site that has sign-in by phone and no referrals.

The lines marked `# +`, here and in the files beside it, are its adoption of the package.
"""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS
from tests.hosts.base import REST_FRAMEWORK as THEIRS

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "django.contrib.staticfiles", "tests.hosts.phone_first"]
INSTALLED_APPS += ["drf_spectacular"]
REST_FRAMEWORK = {**THEIRS, "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
STATIC_URL = "/static/"
AUTH_USER_MODEL = "phone_first.User"
ROOT_URLCONF = "tests.hosts.signin_only.urls"

INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "phonenumber_field", "phone_referrals"]  # +
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend", MODEL_BACKEND]  # +
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]  # +
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"  # +
