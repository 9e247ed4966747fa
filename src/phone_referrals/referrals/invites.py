"""Invitations on their way: the code of an invite link waits in a cookie until its visitor signs up.

No database is asked when a link is followed. An unknown code is so answered like every other, and nobody learns by
following links which codes there are.
"""

from datetime import timedelta
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core import signing
from django.utils.cache import patch_cache_control, patch_vary_headers

from phone_referrals.conf import conf
from phone_referrals.http import is_utf8
from phone_referrals.referrals.codes import read

COOKIE = "phone_referrals_invite"
SALT = "phone_referrals.referrals.invites"


def remember(request: Any, response: Any, code: str) -> None:
    """Have the browser keep `code` for `PHONE_REFERRALS_INVITE_DAYS`, unless it keeps one already."""
    folded = read(code)
    if not folded or code_in(request):
        return
    response.set_cookie(
        COOKIE,
        signing.dumps(folded, salt=SALT),
        max_age=_lifetime(),
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def code_in(request: Any) -> str:
    """Return the code that the browser keeps; empty where it keeps none, or one that this site has not written."""
    try:
        return str(signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=_lifetime()))
    except signing.BadSignature:
        return ""


def forget(response: Any) -> None:
    """Have the browser drop the code."""
    response.delete_cookie(
        COOKIE, path=settings.SESSION_COOKIE_PATH, domain=settings.SESSION_COOKIE_DOMAIN, samesite="Lax"
    )


class InviteMiddleware:
    """Takes `?ref=CODE` on any page of the site as following that code's invite link. Optional."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        return self._remembered(request, self.get_response(request))

    async def _acall(self, request: Any) -> Any:
        return self._remembered(request, await self.get_response(request))

    def _remembered(self, request: Any, response: Any) -> Any:
        # In another charset, reading the query may fail, or take long.
        if is_utf8(request) and "ref" in request.GET:
            remember(request, response, request.GET["ref"])
            # No cache may hand this visitor's cookie to others.
            patch_vary_headers(response, ["Cookie"])
            patch_cache_control(response, private=True)
        return response


def _lifetime() -> timedelta:
    return timedelta(days=conf.invite_days)
