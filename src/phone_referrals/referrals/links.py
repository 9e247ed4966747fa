from typing import Any
from urllib.parse import quote, urljoin

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from phone_referrals.conf import conf


def link_to(request: Any, code: str) -> str:
    """Return the link that shares a referral code, complete with the site's host, or the one that was asked."""
    # A site may give out codes of any characters.
    quoted = quote(code, safe="")
    # `InviteMiddleware` reads the last one on any page.
    address = conf.referral_link.replace("{code}", quoted) or invite_page(code) or f"/?ref={quoted}"
    if conf.site_host:
        scheme = "http" if settings.DEBUG and not request.is_secure() else "https"
        return urljoin(f"{scheme}://{conf.site_host}/", address)
    link: str = request.build_absolute_uri(address)
    return link


def invite_page(code: str) -> str:
    """Return the address of the page that takes an invitation; empty where the site has no pages of ours."""
    try:
        return reverse("phone_referrals_pages:invite", args=[code])
    except NoReverseMatch:
        return ""
