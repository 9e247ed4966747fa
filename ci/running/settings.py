"""The example site's settings, for scripts that load it: one machine plays all visitors, so no limit per address."""

import os

from config.settings import *  # noqa: F403
from config.settings import REST_FRAMEWORK

REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {
    "phone_referrals_get_verify_code": None,
    "phone_referrals_auth": None,
    "phone_referrals_redeem_address": None,
    "phone_referrals_redeem_user": None,
    "phone_referrals_read": None,
}
PHONE_REFERRALS_SMS_DAILY_LIMIT = {"*": None}
if "GATEWAY" in os.environ:
    PHONE_REFERRALS_SMS_BACKEND = "ci.running.gateway.SmsBackend"
if "CODE_DIGITS" in os.environ:
    PHONE_REFERRALS_CODE_DIGITS = int(os.environ["CODE_DIGITS"])
# Errors are counted by the scripts, and are too many to read.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": os.environ["SITE_LOG"]}},
    "root": {"handlers": ["file"], "level": "WARNING"},
    "loggers": {"django": {"handlers": [], "level": "WARNING"}},
}
