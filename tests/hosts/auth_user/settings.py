"""`auth.User`, which it cannot swap, with no phone anywhere: one model is added for it.

The lines marked `# +`, here and in the files beside it, are its adoption of the package.
"""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.auth_user"]
ROOT_URLCONF = "tests.hosts.auth_user.urls"

INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "phonenumber_field", "phone_referrals"]  # +
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend", MODEL_BACKEND]  # +
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]  # +
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"  # +
PHONE_REFERRALS_PHONE_FIELD = "phone__number"  # +
