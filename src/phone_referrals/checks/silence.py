"""Mistakes that a site would notice late, or never: names that nothing reads, parts of Django that are missing."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from rest_framework.settings import api_settings

from phone_referrals.checks.host import classes_of
from phone_referrals.checks.ids import (
    LINK_WITHOUT_CODE,
    PAGES_WITHOUT_SESSION,
    PAGES_WITHOUT_STATIC_FILES,
    PASSWORDS_REFUSED,
    REST_FRAMEWORK_MISSING,
    SETTING_MALFORMED,
    SETTING_UNKNOWN,
    TEMPLATES_MISSING,
    TOKEN_ACCEPTED_LATE,
    TOKEN_REFUSED,
)
from phone_referrals.checks.urls import has_own_api, includes_pages
from phone_referrals.conf import Conf, conf
from phone_referrals.signin.backend import PhoneCodeBackend
from phone_referrals.tokens import get_issuer

PREFIX = "PHONE_REFERRALS_"
DAY = 86400


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(each, Hashable) for each in value)


def _is_list_or_text(value: Any) -> bool:
    return isinstance(value, str) or _is_list(value)


def _is_pair(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and [type(each) in {int, float} for each in value] == [True, True]
    return value is None or is_pair


def _is_range(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and [type(each) for each in value] == [int, int]
    return is_pair and 1 <= value[0] <= value[1] <= DAY


# Whether a value has the shape of the setting, how that is called, and the line to write. The checks of regions and of
# types say themselves that a text is no list.
SHAPES: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "ALLOWED_REGIONS": (lambda value: value is None or _is_list_or_text(value), "list", '["US", "CA"]'),
    "MIN_CONVERSION": (_is_pair, "pair of numbers", "(100, 0.2)"),
    "NUMBER_TYPES": (_is_list_or_text, "list", '["mobile", "fixed_line_or_mobile"]'),
    "REDEEM_RULES": (_is_list, "list", '["accounts.rules.may_redeem"]'),
    "RESEND_WAIT": (_is_range, "pair of whole numbers from 1 to 86400, the smaller first", "(30, 3600)"),
    "SEND_GUARDS": (_is_list, "list", '["accounts.guards.Captcha"]'),
    "TEST_NUMBERS": (
        lambda value: isinstance(value, Mapping),
        "dictionary",
        '{"+12015550123": {"code": "123456", "until": "2027-01-31"}}',
    ),
}
SECRET = {"TEST_NUMBERS"}  # No log has its value, nor the output of a build.


def malformed() -> Iterator[CheckMessage]:
    """Yield one error for each setting of another shape, which the other checks could not read."""
    for name, (fits, word, example) in SHAPES.items():
        if hasattr(settings, PREFIX + name) and not fits(value := getattr(settings, PREFIX + name)):
            shown = f"a {type(value).__name__}" if name in SECRET else repr(value)
            yield Error(
                f"{PREFIX}{name} is {shown}, which is no {word}.",
                hint=f"Write {PREFIX}{name} = {example}.",
                id=SETTING_MALFORMED,
            )


def unknown_names() -> Iterator[CheckMessage]:
    known = [name.upper() for name in vars(Conf) if not name.startswith("_")]
    names = [name.removeprefix(PREFIX) for name in sorted(dir(settings)) if name.startswith(PREFIX)]
    for name in names:
        if name in known:
            continue
        nearest = get_close_matches(name, known, 1)
        advice = f"Write {PREFIX}{nearest[0]}" if nearest else "Remove it"
        yield Warning(
            f"Nothing reads the setting {PREFIX}{name}.",
            hint=f"{advice}: the reference of settings has all names.",
            id=SETTING_UNKNOWN,
        )


def referral_link() -> Iterator[CheckMessage]:
    if conf.referral_link and "{code}" not in conf.referral_link:
        yield Error(
            f"PHONE_REFERRALS_REFERRAL_LINK is {conf.referral_link!r}, which has no {{code}}: all links are the same.",
            hint='Write {code} where the code belongs, such as "https://example.com/join/{code}/".',
            id=LINK_WITHOUT_CODE,
        )


def rest_framework() -> Iterator[CheckMessage]:
    if not apps.is_installed("rest_framework"):
        yield Error(
            "INSTALLED_APPS has no 'rest_framework', whose templates and translations the API shows.",
            hint="Add 'rest_framework' to INSTALLED_APPS.",
            id=REST_FRAMEWORK_MISSING,
        )


def templates() -> Iterator[CheckMessage]:
    try:
        get_template("phone_referrals/sms.txt")
    except TemplateDoesNotExist:
        yield Error(
            "TEMPLATES has no engine that finds the templates of apps: no message can be written.",
            hint='Add {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True} to TEMPLATES.',
            id=TEMPLATES_MISSING,
        )


def admin_passwords() -> Iterator[CheckMessage]:
    classes = list(classes_of(settings.AUTHENTICATION_BACKENDS))
    if (
        apps.is_installed("django.contrib.admin")
        and classes
        and all(issubclass(each, PhoneCodeBackend) for each in classes)
    ):
        yield Warning(
            "Nobody can log in to the admin: no backend in AUTHENTICATION_BACKENDS takes a password.",
            hint="Add 'django.contrib.auth.backends.ModelBackend' to AUTHENTICATION_BACKENDS.",
            id=PASSWORDS_REFUSED,
        )


def accepted_tokens() -> Iterator[CheckMessage]:
    try:
        issuer = get_issuer()
        issued, logs_in = issuer.authentication_classes, issuer.logs_in
    except (ImportError, RuntimeError, AttributeError):
        return  # Another check says so, or the host's issuer names none.
    if not has_own_api():
        return
    accepted: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    missing = [one for one in issued if not any(issubclass(one, each) or issubclass(each, one) for each in accepted)]
    for each in missing:
        yield Warning(
            "The site's own API refuses the tokens that users sign in with.",
            hint=f'Add "{each.__module__}.{each.__qualname__}" to REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"], '
            "and to the authentication_classes of views that have their own.",
            id=TOKEN_REFUSED,
        )
    if logs_in:
        return  # A session is gone when it ends, whoever asks for it.
    for late, one in ((each, one) for one in issued for each in accepted if each is not one and issubclass(one, each)):
        if one in accepted and accepted.index(one) < accepted.index(late):
            continue  # It is asked first, and refuses.
        yield Warning(
            f"{late.__module__}.{late.__qualname__} accepts tokens that have ended, or of users who may not sign in.",
            hint=f'Write "{one.__module__}.{one.__qualname__}", which refuses them, in its place in '
            'REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] and in the authentication_classes of views.',
            id=TOKEN_ACCEPTED_LATE,
        )


def pages() -> Iterator[CheckMessage]:
    if not includes_pages():
        return
    has_sessions = any(issubclass(each, SessionMiddleware) for each in classes_of(settings.MIDDLEWARE))
    if not has_sessions or settings.SESSION_ENGINE.endswith("signed_cookies"):
        yield Error(
            "The pages need a session that the server keeps: a visitor who signs out could go back to an old cookie.",
            hint="Add 'django.contrib.sessions.middleware.SessionMiddleware' to MIDDLEWARE, and use another "
            "SESSION_ENGINE than signed cookies, such as 'django.contrib.sessions.backends.db'.",
            id=PAGES_WITHOUT_SESSION,
        )
    if not apps.is_installed("django.contrib.staticfiles"):
        yield Warning(
            "The pages have style sheets and scripts, which nothing serves.",
            hint="Add 'django.contrib.staticfiles' to INSTALLED_APPS, and set STATIC_URL. If another program collects "
            "and serves them, silence this check.",
            id=PAGES_WITHOUT_STATIC_FILES,
        )
