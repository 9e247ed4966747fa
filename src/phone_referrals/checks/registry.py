"""The checks that Django runs. The checks of a half that is off do not run."""

from types import ModuleType
from typing import Any

from django.core.checks import CheckMessage

from phone_referrals import halves
from phone_referrals.checks import settings, site
from phone_referrals.referrals import checks as referrals
from phone_referrals.signin import checks as signin


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Return the errors and warnings for any machine.

    If a setting has a wrong value or cannot be imported, no other checks run, because they read it.
    """
    rooms = _rooms()
    wrong = [each for room in rooms for each in settings.wrong_values(room.SETTINGS)]
    wrong = wrong or [each for room in rooms for each in settings.not_importable(room.PATHS)]
    return wrong or [each for room in rooms for each in room.check()]


def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Return the warnings for production (`check --deploy`)."""
    return [each for room in _rooms() for each in room.check_deployment()]


def _rooms() -> list[ModuleType]:
    on = [room for half, room in (("signin", signin), ("referrals", referrals)) if halves.on(half)]
    return [site, *on]
