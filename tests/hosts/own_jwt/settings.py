"""A site whose users log in by password for tokens of SimpleJWT, and which lets the package issue such tokens, too.

The lines marked `# +`, here and in the files beside it, are its adoption of the package.
"""

from tests.hosts.base import *  # noqa: F403
from tests.hosts.base import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.abstract_user", "rest_framework"]
ROOT_URLCONF = "tests.hosts.own_jwt.urls"
AUTH_USER_MODEL = "abstract_user.User"
SIMPLE_JWT = {"SIGNING_KEY": "for the tests of tokens, and long enough for HMAC-SHA256"}
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"]}

INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist", "phonenumber_field", "phone_referrals"]  # +
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend", MODEL_BACKEND]  # +
PHONE_REFERRALS_ALLOWED_REGIONS = ["US"]  # +
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"  # +
PHONE_REFERRALS_TOKEN_ISSUER = "phone_referrals.tokens.jwt.JWTIssuer"  # +
REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = ["phone_referrals.tokens.jwt.JWTAuthentication"]  # +
SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"] = "phone_referrals.tokens.jwt.TokenRefreshSerializer"  # +
