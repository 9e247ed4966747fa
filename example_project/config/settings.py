"""Settings of the example site. The environment sets everything that differs between machines; see `env` below."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = os.environ


def flag(name: str, *, default: bool = False) -> bool:
    return env.get(name, str(int(default))).lower() in {"1", "true", "yes", "on"}


def words(name: str, default: str = "") -> list[str]:
    return re.findall(r"[^\s,]+", env.get(name, default))


# Security

DEBUG = flag("DEBUG")
SECRET_KEY = env.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("Set SECRET_KEY in the environment, or DEBUG=1 on your own machine.")
    SECRET_KEY = "insecure-and-for-your-own-machine-only"  # noqa: S105
ALLOWED_HOSTS = words("ALLOWED_HOSTS")
# The server in front, which has the certificate, redirects to HTTPS and sends HSTS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = flag("HTTPS", default=not DEBUG)
# The number of our own proxies that every request passes: only their headers about the client are trusted.
NUM_PROXIES = int(env["NUM_PROXIES"]) if env.get("NUM_PROXIES") else None
if NUM_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# No inline code, and nothing from other sites. The pages of DRF and of the API's description have inline scripts.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "form-action": ["'self'"],
    },
    "EXCLUDE_URL_PREFIXES": ["/api/"],
}

# Applications

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "phonenumber_field",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_tasks_db",
    "phone_referrals",
    "accounts",
]
MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "phone_referrals.referrals.invites.InviteMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

# Database: DATABASE_URL, or the parts of a PostgreSQL address, or an SQLite file


def database() -> dict[str, Any]:
    # Connections persist: a connection for each request halves the sign-ins per second (docs/topics/benchmarks.md).
    # Under ASGI, config/asgi.py sets 0.
    persistent = {"CONN_MAX_AGE": int(env.get("CONN_MAX_AGE", "600")), "CONN_HEALTH_CHECKS": True}
    if "DATABASE_URL" in env:
        return {**dj_database_url.parse(env["DATABASE_URL"]), **persistent}
    if env.keys() & {"POSTGRES_DB", "POSTGRES_USER", "DB_HOST"}:
        user = env.get("POSTGRES_USER", "postgres")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": env.get("POSTGRES_DB", user),
            "USER": user,
            "PASSWORD": env.get("POSTGRES_PASSWORD", ""),
            "HOST": env.get("DB_HOST", "localhost"),
            "PORT": env.get("DB_PORT", "5432"),
            **persistent,
        }
    # A transaction takes the write lock when it begins, because one that has read cannot wait for the lock later.
    options = {"timeout": 20, "transaction_mode": "IMMEDIATE"}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3", "OPTIONS": options, **persistent}


DATABASES = {"default": database()}
# The cache counts requests per client address, so all processes have to share it.
if env.get("REDIS_URL"):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": env["REDIS_URL"],
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Users and the API

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "phone_referrals.signin.backend.PhoneCodeBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "phone_referrals.tokens.drf.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": NUM_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Phone referrals",
    "DESCRIPTION": "Sign in by phone, enter a friend's referral code, see who used yours.",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    # This site serves the scripts of these pages, so they load without the internet.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

PHONE_REFERRALS_SMS_BACKEND = env.get("PHONE_REFERRALS_SMS_BACKEND", "phone_referrals.sms.console.SmsBackend")
PHONE_REFERRALS_ECHO_CODE = flag("PHONE_REFERRALS_ECHO_CODE")
# All regions, because the console costs nothing. Name the regions that you serve, "RU,KZ", before you use a gateway.
regions = words("PHONE_REFERRALS_ALLOWED_REGIONS", "*")
PHONE_REFERRALS_ALLOWED_REGIONS = "*" if regions == ["*"] else regions
# The most segments of SMS that the site sends in one day: to each region, and to all regions together.
PHONE_REFERRALS_SMS_DAILY_LIMIT = {"total": 2000, "*": 500}
# The host name in messages and invite links; if empty, the host of the request.
PHONE_REFERRALS_SITE_HOST = env.get("PHONE_REFERRALS_SITE_HOST", "")

# GET users/ lists all users to every signed-in user: calling codes, the last two digits, and who invited whom. This
# site demonstrates that endpoint. Without this line users read only their referrer and the people below them.
PHONE_REFERRALS_USERS_PERMISSION = "rest_framework.permissions.IsAuthenticated"

LOGIN_URL = "phone_referrals_pages:sign_in"

# 1: `manage.py db_worker` sends the messages, and no visitor waits for the gateway.
PHONE_REFERRALS_SMS_QUEUE = flag("PHONE_REFERRALS_SMS_QUEUE")
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Languages and static files

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static_root"
# Serve static files from the apps until `collectstatic` has run, without a warning.
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings("ignore", "No directory at", UserWarning)

# Logs go to the console. Do not log "django.db.backends" at DEBUG: the parameters of SQL contain phone numbers.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}
