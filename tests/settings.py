"""A phone-first site on the database of DATABASE_URL, or on SQLite."""

import os
import tempfile
from pathlib import Path
from typing import Any

import dj_database_url
import django


def database() -> dict[str, Any]:
    if "DATABASE_URL" in os.environ:
        return {**dj_database_url.parse(os.environ["DATABASE_URL"])}
    # A file, because threads cannot share a database in memory; of this process, because runs may overlap.
    file = Path(tempfile.gettempdir(), f"phone-referrals-{os.getpid()}.sqlite3")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # Its files end with the tests: to wait for the disk at each commit would only cost time.
        "OPTIONS": {"timeout": 30, "init_command": "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"},
        "TEST": {"NAME": file},
    }


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "for tests"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "phonenumber_field",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "knox",
    "drf_spectacular",
    "django_tasks_db",
    "phone_referrals",
    "tests.hosts.phone_first",
]
if django.VERSION < (6,):
    INSTALLED_APPS.append("django_tasks")
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "tests.urls"

AUTH_USER_MODEL = "phone_first.User"
AUTHENTICATION_BACKENDS = [
    "phone_referrals.signin.backend.PhoneCodeBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Nobody guesses these passwords; a slow hash would only make slow tests.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # Tests share one address. Those of the throttles switch them on.
    "DEFAULT_THROTTLE_RATES": {
        "phone_referrals_get_verify_code": None,
        "phone_referrals_auth": None,
        "phone_referrals_redeem_address": None,
        "phone_referrals_redeem_user": None,
        "phone_referrals_read": None,
    },
}

# PyJWT warns of keys that are shorter than a digest.
SIMPLE_JWT = {
    "SIGNING_KEY": "for the tests of tokens, and long enough for HMAC-SHA256",
    "TOKEN_REFRESH_SERIALIZER": "phone_referrals.tokens.jwt.TokenRefreshSerializer",
}

PHONE_REFERRALS_ALLOWED_REGIONS = "*"
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
