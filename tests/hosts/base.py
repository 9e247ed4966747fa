"""A plain Django project, as it is before it adopts the package."""

import os

from tests.settings import DATABASES as THEIR_DATABASES
from tests.settings import MIDDLEWARE, PASSWORD_HASHERS, TEMPLATES  # noqa: F401

DATABASES = {"default": {**THEIR_DATABASES["default"], "TEST": {}}}
if "sqlite" not in DATABASES["default"]["ENGINE"]:
    # Sites of several hosts may run at once, beside the suite.
    DATABASES["default"]["TEST"] = {"NAME": f"test_{os.environ['DJANGO_SETTINGS_MODULE'].split('.')[-2]}"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "for tests"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
REST_FRAMEWORK = {
    # The one line of an adoption that is the same everywhere, and not counted in each.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "phone_referrals.tokens.drf.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_THROTTLE_RATES": {"phone_referrals_get_verify_code": None, "phone_referrals_auth": None},
}
