"""Whether requests to the package's URLs reach its views: a pattern before them may match first."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from phone_referrals.api import ApiView
from phone_referrals.routing import Route, routes, site_resolver, view_of

APPS = {"phone_referrals", "phone_referrals_pages"}
# One of them fits any converter of Django's, and most expressions.
SAMPLES = ("1", "x", "00000000-0000-0000-0000-000000000001")


def shadowed_urls() -> Iterator[CheckMessage]:
    shadows: dict[str, tuple[str, list[str]]] = {}
    for each in _ours():
        name = ":".join([*each.namespaces, str(each.name)])
        arguments = {key: value for pattern in each.patterns for key, value in _samples(pattern).items()}
        try:
            path = reverse(name, kwargs=arguments).removeprefix(get_script_prefix())
            match = resolve(f"/{path}")
        except (NoReverseMatch, Resolver404):
            continue  # No sample fits what the site captures in its prefix.
        found = view_of(match.func)
        is_class = isinstance(found, type) and isinstance(each.view, type)
        if found is not each.view and not (is_class and issubclass(found, each.view)):
            shadows.setdefault(f"{found.__module__}.{found.__qualname__}", (match.route, []))[1].append(name)
    for shadow, (route, names) in shadows.items():
        yield Error(
            f"{shadow}, at {route!r} in the URLconf, answers instead of the package's views: {', '.join(names)}.",
            hint="Include the package's URLs before what matches everything. Beside users/ of an API of your own, give "
            'them a prefix: path("api/phone/", include("phone_referrals.urls")).',
            id="phone_referrals.E005",
        )


def includes_pages(name: str = "") -> bool:
    """Return whether the site's URLs have pages of ours, or the one of this name."""
    pages = [each.name for each in _ours() if each.app == "phone_referrals_pages"]
    return name in pages if name else bool(pages)


def has_own_api() -> bool:
    """Return whether a view that is not the package's takes REST framework's default authentication for its users."""
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
