"""`auth.User`, whose people sign up by django-allauth with an e-mail; no phone, no gateway, and an API by session.

The lines marked `# +`, here and in the files beside it, are its adoption of the package.
"""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS
from tests.settings import MIDDLEWARE as PLAIN_MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "django.contrib.staticfiles"]
INSTALLED_APPS += ["allauth", "allauth.account", "tests.hosts.referrals_only"]
STATIC_URL = "/static/"
MIDDLEWARE = [*PLAIN_MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.hosts.referrals_only.urls"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_RATE_LIMITS = False
LOGIN_URL = "account_signup"
LOGIN_REDIRECT_URL = "/"
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # As of Django 6.1.
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]}

INSTALLED_APPS += ["rest_framework", "phone_referrals"]  # +
