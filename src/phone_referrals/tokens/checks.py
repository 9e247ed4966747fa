"""Checks that the site can issue the tokens, that its own API accepts them, and that they end."""

import sys
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings

from phone_referrals.checks.site import has_own_api
from phone_referrals.conf import conf
from phone_referrals.tokens import BaseTokenIssuer, get_issuer


def check() -> Iterator[CheckMessage]:
    issuer = get_issuer()
    app = issuer.required_app
    if app and not apps.is_installed(app):
        yield Error(
            f"PHONE_REFERRALS_TOKEN_ISSUER {conf.token_issuer!r} needs the app {app!r}.",
            hint=f"Add {app!r} to INSTALLED_APPS and migrate, or name another issuer.",
            id="phone_referrals.E018",
        )
    if issuer.logs_in and settings.SESSION_ENGINE.endswith("signed_cookies"):
        yield Error(
            "SESSION_ENGINE keeps sessions in cookies alone, where nobody can end them.",
            hint="Name another SESSION_ENGINE, such as 'django.contrib.sessions.backends.db'.",
            id="phone_referrals.E022",
        )
    jwt: Any = sys.modules.get("phone_referrals.tokens.jwt")  # Imported by its issuer.
    if jwt and isinstance(issuer, jwt.JWTIssuer) and not issubclass(_refreshing(jwt), jwt.TokenRefreshSerializer):
        yield Error(
            "SimpleJWT refreshes the tokens of users who have logged out.",
            hint='Set SIMPLE_JWT["TOKEN_REFRESH_SERIALIZER"] to "phone_referrals.tokens.jwt.TokenRefreshSerializer".',
            id="phone_referrals.E019",
        )
    if has_own_api():
        yield from _own_api(issuer)


def _refreshing(jwt: Any) -> type:
    serializer: type = import_string(jwt.api_settings.TOKEN_REFRESH_SERIALIZER)
    return serializer


def _own_api(issuer: BaseTokenIssuer) -> Iterator[CheckMessage]:
    """Yield warnings about authentication classes of the site's own views that handle the issuer's tokens wrongly."""
    issued = issuer.authentication_classes
    accepted: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    missing = [one for one in issued if not any(issubclass(one, each) or issubclass(each, one) for each in accepted)]
    for each in missing:
        yield Warning(
            "The site's own API refuses the tokens that users sign in with.",
            hint=f'Add "{each.__module__}.{each.__qualname__}" to REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"], '
            "and to the authentication_classes of views that have their own.",
            id="phone_referrals.W009",
        )
    if issuer.logs_in:
        return  # A session that has ended does not exist any more, for any class.
    for late, one in ((each, one) for one in issued for each in accepted if each is not one and issubclass(one, each)):
        if one in accepted and accepted.index(one) < accepted.index(late):
            continue  # It comes first, and refuses.
        yield Warning(
            f"{late.__module__}.{late.__qualname__} accepts tokens that have ended, or of users who may not sign in.",
            hint=f'Write "{one.__module__}.{one.__qualname__}", which refuses them, in its place in '
            'REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] and in the authentication_classes of views.',
            id="phone_referrals.W012",
        )
