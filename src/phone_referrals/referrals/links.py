"""Invite links: made of a code, read for their code, and drawn as QR codes."""

import re
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import quote, unquote, urljoin

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.safestring import mark_safe

from phone_referrals.conf import conf
from phone_referrals.routing import address_of

# The scheme may be missing: address bars do not show it.
LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/?#\s]*|[\w-]+(?:\.[\w-]+)+(?::[0-9]+)?(?=/))(\S*)", re.IGNORECASE)


def link_to(request: HttpRequest, code: str) -> str:
    """Return the absolute link that shares a code, on the host of the settings, or else on that of the request."""
    # A site may give out codes of any characters.
    quoted = quote(code, safe="")
    # `InviteMiddleware` reads the last one on any page.
    address = conf.referral_link.replace("{code}", quoted) or invite_page(request, code) or f"/?ref={quoted}"
    if conf.site_host:
        scheme = "http" if settings.DEBUG and not request.is_secure() else "https"
        return urljoin(f"{scheme}://{conf.site_host}/", address)
    return request.build_absolute_uri(address)


def invite_page(request: HttpRequest | None, code: str) -> str:
    """Return the address of the page that takes an invitation; empty where the site has no pages of ours."""
    try:
        return address_of(request, "phone_referrals_pages:invite", code=code)
    except NoReverseMatch:
        return ""


def code_in(text: str) -> str:
    """Return the code in a text with an invite link, quoted or not; a text without a link as it is.

    The host does not matter: a site may have several, and an app its own.
    """
    link = LINK.search(text)
    places = [r"[?&](?:ref|invite)=([^&#]+)", r"/r/([^?#]+)"]
    before, placed, _ = conf.referral_link.partition("{code}")
    if placed:
        before = before.rpartition("://")[2]
        name, path = re.escape(re.split(r"[?&]", before)[-1]), re.escape("/" + before.partition("/")[2])
        own = rf"[?&]{name}([^&#]+)" if "?" in before else rf"^{path}([^/?#]+)/?[^\w/]*(?:[?#]|$)"
        places.insert(1, own)
    for place in places:
        found = re.search(place, link[1]) if link else None
        if found:
            return unquote(found[1])
    return text


def qr_code(link: str) -> str:
    """Return the QR code of a link as an SVG element.

    It is empty without segno (`pip install django-phone-referrals[qr]`), and for a link too long for any QR code.
    """
    if find_spec("segno") is None:
        return ""
    try:
        code = import_module("segno").make(link, micro=False)
    except ValueError:  # More than 2,953 bytes: on a site with a wildcard in ALLOWED_HOSTS, a client names the host.
        return ""
    # Nothing in it but numbers. On white also where the page is dark: some readers know no other.
    svg: str = code.svg_inline(omitsize=True, border=4, light="#fff", svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308
