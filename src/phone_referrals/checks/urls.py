"""Whether requests to the package's URLs reach its views: a pattern before them may match first."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.urls import NoReverseMatch, Resolver404, get_resolver, get_script_prefix, resolve, reverse
from django.urls.resolvers import URLResolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from phone_referrals.api import ApiView
from phone_referrals.checks.ids import URL_SHADOWED

APPS = {"phone_referrals", "phone_referrals_pages"}
# One of them fits any converter of Django's, and most expressions.
SAMPLES = ("1", "x", "00000000-0000-0000-0000-000000000001")


def shadowed_urls() -> Iterator[CheckMessage]:
    shadows: dict[str, tuple[str, list[str]]] = {}
    for name, view, arguments in _all_ours():
        try:
            path = reverse(name, kwargs=arguments).removeprefix(get_script_prefix())
            match = resolve(f"/{path}")
        except (NoReverseMatch, Resolver404):
            continue  # No sample fits what the site captures in its prefix.
        found = _view_of(match.func)
        is_class = isinstance(found, type) and isinstance(view, type)
        if found is not view and not (is_class and issubclass(found, view)):
            shadows.setdefault(f"{found.__module__}.{found.__qualname__}", (match.route, []))[1].append(name)
    for shadow, (route, names) in shadows.items():
        yield Error(
            f"{shadow}, at {route!r} in the URLconf, answers instead of the package's views: {', '.join(names)}.",
            hint="Include the package's URLs before what matches everything. Beside users/ of an API of your own, give "
            'them a prefix: path("api/phone/", include("phone_referrals.urls")).',
            id=URL_SHADOWED,
        )


def includes_pages() -> bool:
    """Tell whether the pages are among the site's URLs."""
    return any("phone_referrals_pages" in name for name, *_ in _all_ours())


def has_own_api() -> bool:
    """Tell whether a view that is not the package's takes REST framework's default authentication for its users."""
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    views = _views(get_resolver(urlconf)) if urlconf else iter(())
    return any(_asks_for_users(view) for view in views if isinstance(view, type) and issubclass(view, APIView))


def _asks_for_users(view: type[APIView]) -> bool:
    is_open = AllowAny in view.permission_classes and view.permission_classes is not APIView.permission_classes
    takes_default = view.authentication_classes is APIView.authentication_classes
    return takes_default and not is_open and not issubclass(view, ApiView)


def _all_ours() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    return _ours(get_resolver(urlconf), (), {}) if urlconf else iter(())


def _ours(resolver: Any, namespaces: tuple[str, ...], captured: dict[str, Any]) -> Iterator[Any]:
    """Yield the name, view and sample arguments of each pattern of the package, below whatever the site includes it."""
    for each in resolver.url_patterns:
        arguments = {**captured, **_samples(each.pattern)}
        if isinstance(each, URLResolver):
            inner = (*namespaces, each.namespace) if each.namespace else namespaces
            yield from _ours(each, inner, arguments)
        elif resolver.app_name in APPS and each.name:  # A host may add a pattern without one.
            yield ":".join((*namespaces, each.name)), _view_of(each.callback), arguments


def _views(resolver: Any) -> Iterator[Any]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _views(each)
        else:
            yield _view_of(each.callback)


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


def _view_of(function: Any) -> Any:
    """Return the class of a view, Django's or REST framework's, or the function that it is."""
    return getattr(function, "view_class", None) or getattr(function, "cls", None) or function
