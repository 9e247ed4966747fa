"""drfpasswordless, which makes the user when the code is asked for, and has one token for each user."""

from contenders.base import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "drfpasswordless",
    "contenders.drfpasswordless_site",
]
MIDDLEWARE = [*MIDDLEWARE, "contenders.echo.EchoMiddleware"]  # noqa: F405
AUTH_USER_MODEL = "drfpasswordless_site.User"
ROOT_URLCONF = "contenders.drfpasswordless_site.urls"
REST_FRAMEWORK = {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}
PASSWORDLESS_AUTH = {
    "PASSWORDLESS_AUTH_TYPES": ["MOBILE"],
    "PASSWORDLESS_MOBILE_NOREPLY_NUMBER": "+12015550199",
    "PASSWORDLESS_SMS_CALLBACK": "contenders.drfpasswordless_site.sms.keep",
}
