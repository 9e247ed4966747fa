"""Checks of the settings' values and names."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import getdoc
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.utils.module_loading import import_string

from phone_referrals.conf import Conf, conf

PREFIX = "PHONE_REFERRALS_"
# For each setting: a function that yields the faults of a value, and an example.
Table = Mapping[str, tuple[Callable[[Any], Iterable[str]], str]]
# Modules that need an extra of the package.
EXTRAS = {
    "phone_referrals.sms.apprise": "apprise",
    "phone_referrals.tokens.jwt": "jwt",
    "phone_referrals.tokens.knox": "knox",
}


@dataclass(frozen=True)
class Whole:
    """Accepts only a whole number within bounds."""

    least: int
    greatest: int

    def __call__(self, value: Any) -> Iterator[str]:
        try:
            fits = self.least <= int(value) <= self.greatest
        except (OverflowError, TypeError, ValueError):
            fits = False
        if not fits:
            yield f"it is {value!r}, which is no whole number from {self.least} to {self.greatest}"


def is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(each, Hashable) for each in value)


def no_list(value: Any) -> Iterator[str]:
    if not is_list(value):
        yield f"it is {value!r}, which is no list"


def wrong_values(table: Table) -> Iterator[CheckMessage]:
    """Yield an error for each fault of the site's settings."""
    for name, (faults, example) in table.items():
        for fault in faults(getattr(settings, name)) if hasattr(settings, name) else ():
            yield Error(
                f"The setting {name} is wrong: {fault}.",
                hint=f"Write {name} = {example}. {getdoc(_property(name))}",
                id="phone_referrals.E001",
            )


def not_importable(names: Iterable[str]) -> Iterator[CheckMessage]:
    """Yield an error for each dotted path in these settings that cannot be imported."""
    for name in names:
        value: Any = _property(name).__get__(conf)
        for path in [value] if isinstance(value, str) else value:
            try:
                import_string(str(path))
            except (ImportError, RuntimeError) as error:  # Models of an app that is not installed are the latter.
                extra = EXTRAS.get(str(path).rpartition(".")[0])
                advice = f'Run: pip install "django-phone-referrals[{extra}]".' if extra else "Write one that can be."
                yield Error(
                    f"{name} names {path!r}, which cannot be imported: {error}",
                    hint=f"{advice} It is a dotted path, such as 'accounts.rules.may_redeem'.",
                    id="phone_referrals.E002",
                )


def unknown_names() -> Iterator[CheckMessage]:
    """Yield a warning for each setting with our prefix that the package does not have."""
    known = [name.upper() for name in vars(Conf) if not name.startswith("_")]
    names = [name.removeprefix(PREFIX) for name in sorted(dir(settings)) if name.startswith(PREFIX)]
    for name in (each for each in names if each not in known):
        nearest = get_close_matches(name, known, 1)
        advice = f"Write {PREFIX}{nearest[0]}" if nearest else "Remove it"
        yield Warning(
            f"Nothing reads the setting {PREFIX}{name}.",
            hint=f"{advice}: the reference of settings has all names.",
            id="phone_referrals.W008",
        )


def _property(name: str) -> Any:
    return vars(Conf)[name.removeprefix(PREFIX).lower()]
