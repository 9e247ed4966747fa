from typing import Any

from phone_referrals.conf import conf


def link_to(request: Any, code: str) -> str:
    """Return the link that shares a referral code, complete with the host that was asked."""
    link: str = request.build_absolute_uri(conf.referral_link.replace("{code}", code))
    return link
