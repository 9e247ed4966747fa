"""Checks of referrals: their rules, links, invitations and locks."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import connections, router

from phone_referrals.checks.settings import Table, no_list
from phone_referrals.checks.site import classes_of
from phone_referrals.conf import conf
from phone_referrals.referrals.invites import InviteMiddleware
from phone_referrals.referrals.links import invite_page
from phone_referrals.referrals.models import Referral


def _no_code(link: Any) -> Iterator[str]:
    if link and "{code}" not in str(link):
        yield f"it is {link!r}, which has no {{code}}, so all links are the same"


SETTINGS: Table = {
    "PHONE_REFERRALS_REDEEM_RULES": (no_list, '["accounts.rules.may_redeem"]'),
    "PHONE_REFERRALS_REFERRAL_LINK": (_no_code, '"https://example.com/join/{code}/"'),
}
PATHS = ("PHONE_REFERRALS_CODE_GENERATOR", "PHONE_REFERRALS_REDEEM_RULES")


def check() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Referral)
    options = connections[alias].settings_dict["OPTIONS"]
    level = options.get("isolation_level")
    if level is None and "isolation_level" in options and connections[alias].vendor == "mysql":
        level = "REPEATABLE READ"  # That of the server, as Django's documentation has it.
    # psycopg's levels have names; they are compared so that it need not be installed.
    if level is not None and getattr(level, "name", str(level)).upper().replace(" ", "_") != "READ_COMMITTED":
        yield Error(
            f"The database {alias!r} has the isolation level {getattr(level, 'name', level)}.",
            hint="Referrals are kept free of circles by locks, which need READ COMMITTED. It is the default.",
            id="phone_referrals.E020",
        )


def check_deployment() -> Iterator[CheckMessage]:
    keeps_invitations = any(issubclass(each, InviteMiddleware) for each in classes_of(settings.MIDDLEWARE))
    if not (conf.referral_link or invite_page(None, "CODE") or keeps_invitations):
        yield Warning(
            "An invite link invites nobody: it is /?ref=CODE, and nothing of the package reads that.",
            hint='Add "phone_referrals.referrals.invites.InviteMiddleware" to MIDDLEWARE, include '
            "phone_referrals.pages.urls, or name a page that reads the code in PHONE_REFERRALS_REFERRAL_LINK.",
            id="phone_referrals.W006",
        )
