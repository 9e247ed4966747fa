"""Checks of the needs of both halves: parts of Django and REST framework, URLs, a cache and a host name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.db import connections, router
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string
from rest_framework.permissions import AllowAny
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from phone_referrals import halves
from phone_referrals.api import ApiView
from phone_referrals.checks.settings import Table, unknown_names
from phone_referrals.conf import conf
from phone_referrals.referrals.models import Referral
from phone_referrals.routing import Route, routes, site_resolver, view_of
from phone_referrals.sms import MAX_HOST

LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*", re.IGNORECASE)
# The entries that a cache needs: one for each counted request, for an hour, so up to 90 for one address.
MIN_ENTRIES = 100_000
# Variables of a server whose cluster takes writes on every node: Galera's, and group replication's.
MULTI_PRIMARY = {"wsrep_on": "ON", "group_replication_single_primary_mode": "OFF"}
APPS = {"phone_referrals", "phone_referrals_pages"}
# For each converter of Django, and for most expressions, one of them matches.
SAMPLES = ("1", "x", "00000000-0000-0000-0000-000000000001")


def _no_host(host: Any) -> Iterator[str]:
    if not isinstance(host, str) or (host and (len(host) > MAX_HOST or not HOST.fullmatch(host))):
        yield f"it is {host!r}, which is no host name of {MAX_HOST} characters at most, without scheme, port or path"


SETTINGS: Table = {"PHONE_REFERRALS_SITE_HOST": (_no_host, '"example.com"')}
PATHS = ("PHONE_REFERRALS_ACCOUNTS", "PHONE_REFERRALS_USERS_PERMISSION")


# The app of both halves' URLs, a name of each half, and the URLs of both.
JOINED = [
    ("phone_referrals", {"get_verify_code", "referrals"}, "phone_referrals.urls"),
    ("phone_referrals_pages", {"sign_in", "invite"}, "phone_referrals.pages.urls"),
]


def check() -> Iterator[CheckMessage]:
    yield from unknown_names()
    if not apps.is_installed("rest_framework"):
        yield Error(
            "INSTALLED_APPS has no 'rest_framework', whose templates and translations the API shows.",
            hint="Add 'rest_framework' to INSTALLED_APPS.",
            id="phone_referrals.E003",
        )
    if (halves.on("signin") or includes_pages()) and not _has_templates():
        yield Error(
            "TEMPLATES has no engine that finds the templates of apps: no message or page can be rendered.",
            hint='Add {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True} to TEMPLATES.',
            id="phone_referrals.E004",
        )
    yield from shadowed_urls()
    for app, names, both in JOINED:
        ours = [each for each in routes(site_resolver()) if each.app == app]
        if names <= {each.name for each in ours} and not any(_is_of_both(each.view) for each in ours):
            yield Error(
                "The site includes the URLs of each half by themselves, so that no sign-in accepts an invitation.",
                hint=f'Include those of both in their place: include("{both}").',
                id="phone_referrals.E023",
            )
    if includes_pages() and not apps.is_installed("django.contrib.staticfiles"):
        yield Warning(
            "The pages have style sheets and scripts, which nothing serves.",
            hint="Add 'django.contrib.staticfiles' to INSTALLED_APPS, and set STATIC_URL. If another program collects "
            "and serves them, silence this check.",
            id="phone_referrals.W011",
        )


def _is_of_both(view: Any) -> bool:
    return any(base.__module__.startswith("phone_referrals.profiles.") for base in getattr(view, "__mro__", ()))


def _has_templates() -> bool:
    with suppress(TemplateDoesNotExist):
        return bool(get_template("phone_referrals/sms.txt"))
    return False


def check_deployment() -> Iterator[CheckMessage]:
    cache = settings.CACHES["default"]
    kind = import_string(cache["BACKEND"])
    if issubclass(kind, LocMemCache | DummyCache):
        yield Warning(
            "Each process counts the limits per client address in a cache of its own.",
            hint="Use a cache that the processes share, such as Redis, as CACHES['default'].",
            id="phone_referrals.W001",
        )
    # 300 is their default. A stranger with as many addresses unblocks one that is blocked.
    small = cache.get("OPTIONS", {}).get("MAX_ENTRIES", 300) < MIN_ENTRIES
    if small and issubclass(kind, LocMemCache | DatabaseCache | FileBasedCache):
        yield Warning(
            "The cache drops entries when it is full, and with them the counts of the limits per client address.",
            hint="Set CACHES['default']['OPTIONS']['MAX_ENTRIES'] to 100000 or more, or use Redis.",
            id="phone_referrals.W005",
        )
    if api_settings.NUM_PROXIES is None:
        yield Warning(
            "REST_FRAMEWORK['NUM_PROXIES'] is not set: behind a proxy, all visitors share the proxy's limits.",
            hint="Set it to the number of proxies in front of Django, 0 for none.",
            id="phone_referrals.W002",
        )
    if not conf.site_host and any(host == "*" or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        yield Warning(
            "ALLOWED_HOSTS has a wildcard, and PHONE_REFERRALS_SITE_HOST is not set: a stranger chooses the host that "
            "messages and invite links name.",
            hint='Set PHONE_REFERRALS_SITE_HOST to the name of the site, such as "example.com".',
            id="phone_referrals.W007",
        )


def check_database(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Return the warnings about the database server (`check --database default`, and `migrate`)."""
    alias = router.db_for_write(Referral)
    if alias not in (databases or ()) or connections[alias].vendor != "mysql":
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s, %s)", [*MULTI_PRIMARY])
        found = dict(cursor.fetchall())
    if not found.items() & MULTI_PRIMARY.items():
        return []
    return [
        Warning(
            f"The database {alias!r} is a node of a cluster whose nodes all take writes.",
            hint="Locks and counts of one node do not hold on another. Write to one node only. Where all processes do, "
            "silence this check.",
            id="phone_referrals.W013",
        )
    ]


def classes_of(paths: Iterable[str]) -> Iterator[type]:
    """Yield the classes that dotted paths name. Django itself reports paths that it cannot import."""
    for path in paths:
        with suppress(ImportError):
            found = import_string(path)
            if isinstance(found, type):
                yield found


def shadowed_urls() -> Iterator[CheckMessage]:
    shadows: dict[str, tuple[str, list[str]]] = {}
    for each in _ours():
        name = ":".join([*each.namespaces, str(each.name)])
        arguments = {key: value for pattern in each.patterns for key, value in _samples(pattern).items()}
        try:
            path = reverse(name, kwargs=arguments).removeprefix(get_script_prefix())
            match = resolve(f"/{path}")
        except (NoReverseMatch, Resolver404):
            continue  # No sample matches the arguments of the site's prefix.
        found = view_of(match.func)
        is_class = isinstance(found, type) and isinstance(each.view, type)
        if found is not each.view and not (is_class and issubclass(found, each.view)):
            shadows.setdefault(f"{found.__module__}.{found.__qualname__}", (match.route, []))[1].append(name)
    for shadow, (route, names) in shadows.items():
        yield Error(
            f"{shadow}, at {route!r} in the URLconf, answers instead of the package's views: {', '.join(names)}.",
            hint="Include the package's URLs before patterns that match everything. If your own API has users/, give "
            'them a prefix: path("api/phone/", include("phone_referrals.urls")).',
            id="phone_referrals.E005",
        )


def includes_pages(name: str = "") -> bool:
    """Return whether the site's URLs have any of our pages, or the page of this name."""
    pages = [each.name for each in _ours() if each.app == "phone_referrals_pages"]
    return name in pages if name else bool(pages)


def has_own_api() -> bool:
    """Return whether a view of the site itself uses REST framework's default authentication for its users."""
    views = (each.view for each in routes(site_resolver()))
    return any(_asks_for_users(view) for view in views if isinstance(view, type) and issubclass(view, APIView))


def _asks_for_users(view: type[APIView]) -> bool:
    is_open = AllowAny in view.permission_classes and view.permission_classes is not APIView.permission_classes
    takes_default = view.authentication_classes is APIView.authentication_classes
    return takes_default and not is_open and not issubclass(view, ApiView)


def _ours() -> Iterator[Route]:
    # A host may add a pattern without a name.
    return (each for each in routes(site_resolver()) if each.app in APPS and each.name)


def _samples(pattern: Any) -> dict[str, Any]:
    """Return a value for each argument that a pattern captures."""
    converters = {name: (each.regex, each.to_python) for name, each in pattern.converters.items()}
    groups = re.findall(r"\(\?P<(\w+)>([^()]*)\)", getattr(pattern, "_regex", ""))
    expected = converters or {name: (regex, str) for name, regex in groups}
    samples = {}
    for name, (regex, to_python) in expected.items():
        fitting = (each for each in (*SAMPLES, *regex.split("|")) if re.fullmatch(regex, each))
        samples[name] = to_python(next(fitting, SAMPLES[0]))
    return samples
