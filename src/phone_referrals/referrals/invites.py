"""Invitations on their way: the codes of invite links wait in a cookie until their visitor signs up.

Following a link asks no database. An unknown code gets the same answer as a known one, so links do not tell which codes
exist. Several codes are kept, because `?ref=` may name a newsletter, or a link may be truncated.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from phone_referrals.exceptions import PhoneReferralsError, RedeemError
from phone_referrals.http import is_utf8
from phone_referrals.referrals.codes import read
from phone_referrals.referrals.models import Referral
from phone_referrals.referrals.redeem import redeem_first

logger = logging.getLogger("phone_referrals")

COOKIE = "phone_referrals_invite"
SALT = "phone_referrals.referrals.invites"
KEPT, LIFETIME = 5, timedelta(days=30)


def remember(request: HttpRequest, response: HttpResponseBase, code: str) -> None:
    """Have the browser keep `code` after those that it keeps, the last `KEPT` of them, for `LIFETIME`.

    Only links that a person followed are kept: no prefetches, images, frames or requests of scripts.
    """
    folded, kept = read(code), codes_in(request)
    if not folded or folded in kept or not _is_visit(request, response):
        return
    response.set_cookie(
        COOKIE,
        signing.dumps([*kept, folded][-KEPT:], salt=SALT),
        max_age=LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def codes_in(request: HttpRequest) -> list[str]:
    """Return the codes that the browser keeps, in the order in which their links were followed; no forged ones."""
    try:
        kept = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return []
    return [code for code in kept if isinstance(code, str)] if isinstance(kept, list) else []


def likely(codes: list[str]) -> str:
    """Return the first code that looks like one, and not like a domain or a sentence; empty where none does."""
    return next((code for code in codes if code.isalnum()), "")


def accept(request: HttpRequest, user: AbstractBaseUser) -> Referral | None:
    """Redeem the first valid invitation that the browser of `request` keeps, for a site with a sign-up of its own.

    Returns `None` where none is valid, or none can be redeemed now: the sign-up does not fail for it. Call
    `forget(response)` then, so that the next user of the browser redeems none.
    """
    try:
        return redeem_first(user, codes_in(request))
    except RedeemError:
        return None
    except PhoneReferralsError as error:
        logger.warning("An invitation was not accepted: %s.", error.code)
        return None


def forget(response: HttpResponseBase) -> None:
    """Have the browser drop the code."""
    response.delete_cookie(
        COOKIE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


class InviteMiddleware(MiddlewareMixin):
    """Takes `?ref=CODE` on any page of the site as following that code's invite link. Optional."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # In another charset, reading the query may fail, or take long.
        if is_utf8(request) and "ref" in request.GET:
            remember(request, response, request.GET["ref"])
            # No cache may hand this visitor's cookie to others.
            patch_vary_headers(response, ["Cookie"])
            patch_cache_control(response, private=True)
        return response


def _is_visit(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether a person opens a page, as far as the browser says it; a page may be a redirect."""
    headers = request.headers
    purpose = " ".join(headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
    is_ahead = "prefetch" in purpose or "preview" in purpose
    is_page = response.get("Content-Type", "").startswith("text/html")
    return is_page and not is_ahead and headers.get("Sec-Fetch-Dest", "document") == "document"
