from typing import Any

from django.urls import NoReverseMatch, reverse

from phone_referrals.conf import conf


def link_to(request: Any, code: str) -> str:
    """Return the link that shares a referral code, complete with the host that was asked."""
    link: str = request.build_absolute_uri(conf.referral_link.replace("{code}", code) or _invite_page(code))
    return link


def _invite_page(code: str) -> str:
    try:
        return reverse("phone_referrals_pages:invite", args=[code])
    except NoReverseMatch:
        # The site has no pages of ours. `InviteMiddleware` reads this on any page.
        return f"/?ref={code}"
