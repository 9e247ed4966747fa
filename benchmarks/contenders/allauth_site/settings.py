"""django-allauth, headless for apps: sign-up by phone, sign-in by a code, sessions in the database."""

from contenders.base import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "contenders.allauth_site",
]
MIDDLEWARE = [
    *MIDDLEWARE,  # noqa: F405
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "contenders.echo.EchoMiddleware",
]
AUTH_USER_MODEL = "allauth_site.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ROOT_URLCONF = "contenders.allauth_site.urls"
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("app",)
ACCOUNT_ADAPTER = "contenders.allauth_site.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"phone"}
ACCOUNT_SIGNUP_FIELDS = ["phone*"]
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_RATE_LIMITS = False
