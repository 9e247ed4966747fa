"""System checks: what would fail later, said at start, with what to do about it."""

from typing import Any

from django.core.checks import CheckMessage

from phone_referrals.checks import host, messages, silence, urls, users
from phone_referrals.checks.database import check_database
from phone_referrals.checks.deployment import check_deployment


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Return what is wrong on any machine."""
    parts = (
        host.phone_field,
        host.phone_formats,
        users.users_by_phone,
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
        host.refresh,
        host.second_factor,
        host.backend,
        host.isolation_level,
        silence.unknown_names,
        silence.referral_link,
        silence.rest_framework,
        silence.templates,
        silence.admin_passwords,
        silence.accepted_tokens,
        silence.pages,
        urls.shadowed_urls,
    )
    return [*silence.malformed()] or [message for part in parts for message in part()]


__all__ = ["check_database", "check_deployment", "check_settings"]
