"""API tokens: who issues them, how a request proves itself with one, and how they end.

The kinds of other packages are in modules of their own, which need those packages: `tokens.knox`, `tokens.jwt`.
"""

from django.utils.module_loading import import_string

from phone_referrals.conf import conf
from phone_referrals.tokens.base import BaseTokenIssuer, Session
from phone_referrals.tokens.drf import DRFTokenIssuer


def get_issuer() -> BaseTokenIssuer:
    """Return the issuer that `PHONE_REFERRALS_TOKEN_ISSUER` names."""
    issuer: BaseTokenIssuer = import_string(conf.token_issuer)()
    return issuer


__all__ = ["BaseTokenIssuer", "DRFTokenIssuer", "Session", "get_issuer"]
