from typing import Any
from urllib.parse import quote

from django.urls import NoReverseMatch, reverse

from phone_referrals.conf import conf


def link_to(request: Any, code: str) -> str:
    """Return the link that shares a referral code, complete with the host that was asked."""
    # A site may give out codes of any characters.
    address = conf.referral_link.replace("{code}", quote(code, safe="")) or _invite_page(code)
    link: str = request.build_absolute_uri(address)
    return link


def _invite_page(code: str) -> str:
    try:
        return reverse("phone_referrals_pages:invite", args=[code])
    except NoReverseMatch:
        # The site has no pages of ours. `InviteMiddleware` reads this on any page.
        return f"/?ref={quote(code, safe='')}"
