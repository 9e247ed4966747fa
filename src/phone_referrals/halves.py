"""Which half of the package a site has: sign-in by phone, referrals, or both."""

from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from phone_referrals.routing import routes, site_resolver

# One name of each half in the API, and one in the pages.
NAMES = {
    "signin": {("phone_referrals", "get_verify_code"), ("phone_referrals_pages", "sign_in")},
    "referrals": {("phone_referrals", "referrals"), ("phone_referrals_pages", "invite")},
}


def on(half: str) -> bool:
    """Return whether the site's URLs have a half, `"signin"` or `"referrals"`.

    A site that includes none of our URLs has both: it uses the Python API. A site whose users can sign in by phone has
    that half, though its views may be in URLs of a subdomain, which only a request knows. Call this for each request
    and each check, never at import, when the URLs are not loaded yet.
    """
    found = _halves_of(site_resolver())
    return half in found or not found or (half == "signin" and _has_backend(tuple(settings.AUTHENTICATION_BACKENDS)))


@lru_cache
def _has_backend(paths: tuple[str, ...]) -> bool:
    for path in paths:
        with suppress(ImportError):  # Django says so itself.
            if getattr(import_string(path), "signs_in_by_phone", False):
                return True
    return False


@lru_cache
def _halves_of(resolver: Any) -> set[str]:
    names = {(each.app, each.name) for each in routes(resolver)}
    return {half for half, of_half in NAMES.items() if names & of_half}
