"""System checks: what would fail later, said at start, with what to do about it."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error

from phone_referrals.checks import host, messages, urls
from phone_referrals.checks.database import check_database
from phone_referrals.checks.deployment import check_deployment
from phone_referrals.checks.ids import SETTING_MALFORMED


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong on any machine."""
    parts = (
        host.phone_field,
        host.phone_formats,
        host.required_columns,
        host.dotted_paths,
        messages.limits,
        messages.regions,
        messages.number_types,
        messages.sms_limits,
        messages.min_conversion,
        messages.site_host,
        messages.test_numbers,
        messages.sms_queue,
        host.token_app,
        host.backend,
        host.isolation_level,
        urls.shadowed_urls,
        urls.nested_pages,
    )
    return [message for part in parts for message in _messages_of(part)]


def _messages_of(part: Callable[[], Iterator[CheckMessage]]) -> Iterator[CheckMessage]:
    """Yield what a part of the checks says; that it cannot even look at a setting is worth saying too."""
    try:
        yield from part()
    except (AttributeError, TypeError, ValueError) as error:
        yield Error(
            f"A setting of the package is not of the type it should be ({part.__name__}): {error}",
            hint="The reference of settings says which type each has.",
            id=SETTING_MALFORMED,
        )


__all__ = ["check_database", "check_deployment", "check_settings"]
