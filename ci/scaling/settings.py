"""The example site, on one of several machines: database, replica and cache are shared."""

import os
from contextvars import ContextVar

import dj_database_url

from config.settings import *  # noqa: F403
from config.settings import DATABASES, MIDDLEWARE

DATABASES["replica"] = {
    **dj_database_url.parse(os.environ["REPLICA_URL"]),
    "CONN_MAX_AGE": 600,
    "TEST": {"MIRROR": "default"},
}
DATABASE_ROUTERS = ["ci.scaling.settings.ReadReplica"]
MIDDLEWARE = ["ci.scaling.settings.read_from_replica", *MIDDLEWARE]
PHONE_REFERRALS_SMS_BACKEND = "phone_referrals.sms.locmem.SmsBackend"
PHONE_REFERRALS_SMS_DAILY_LIMIT = {"*": None, "CA": 20}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": os.environ["SITE_LOG"]}},
    "root": {"handlers": ["file"], "level": "ERROR"},
    "loggers": {"django": {"handlers": [], "level": "ERROR"}},
}

# docs/topics/scaling.md shows what follows.

only_reads = ContextVar("only_reads", default=False)


def read_from_replica(get_response):
    """Tell the router that a request only reads. Whoever has just written something asks for it by another request."""

    def middleware(request):
        before = only_reads.set(request.method in {"GET", "HEAD"})
        try:
            return get_response(request)
        finally:
            only_reads.reset(before)

    return middleware


class ReadReplica:
    """Lists and profiles come from the replica; who is signed in, and whatever decides, from the primary."""

    models = {"accounts.user", "phone_referrals.referral", "phone_referrals.referralcode"}

    def db_for_read(self, model, **hints):
        return "replica" if only_reads.get() and model._meta.label_lower in self.models else "default"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, *objects, **hints):
        return True
