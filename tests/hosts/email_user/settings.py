"""Users who are known by an e-mail address, and log in by django-allauth, some with a second factor.

The lines marked `# +`, here and in the files beside it, are its adoption of the package.
"""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS
from tests.settings import MIDDLEWARE as PLAIN_MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "tests.hosts.email_user"]
INSTALLED_APPS += ["allauth", "allauth.account", "allauth.mfa"]
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.hosts.email_user.urls"
AUTH_USER_MODEL = "email_user.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None

INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "phonenumber_field", "phone_referrals"]  # +
AUTHENTICATION_BACKENDS.insert(0, "phone_referrals.signin.backend.PhoneCodeBackend")  # +
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]  # +
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"  # +
