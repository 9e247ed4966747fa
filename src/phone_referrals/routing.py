"""The addresses of our views in the host's URLs, and a walk over those URLs."""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, get_urlconf, reverse

# The arguments of our own patterns. All other arguments belong to the host's prefix and are passed on.
OURS: tuple[set[str], ...] = (set(), {"code"}, {"pk"})


def address_of(request: HttpRequest | None, name: str, **own: Any) -> str:
    """Return the address of `name`, such as `"phone_referrals:invitees"`; raises `NoReverseMatch`.

    It is in the namespace of the requested view, or the nearest one, and has the arguments that the host's prefix
    captured there.
    """
    match = getattr(request, "resolver_match", None)
    app, _, view = name.partition(":")
    places = [name, *(f"{each}:{view}" for each in _namespaces(get_resolver(get_urlconf()), app))]
    if match is not None:
        places[:0] = [":".join([*match.namespaces[:depth], name]) for depth in range(len(match.namespaces), 0, -1)]
        if match.namespace and (app == "phone_referrals" or app in match.app_names[-1:]):
            places.insert(0, f"{match.namespace}:{view}")
    for place in dict.fromkeys(places):
        for values in _arguments(match, own):
            with suppress(NoReverseMatch):
                return reverse(place, current_app=match and match.namespace, **values)
    msg = f"The site has no address of {name!r}."
    raise NoReverseMatch(msg)


def _arguments(match: Any, own: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments to try: first with those that the host's prefix has captured."""
    if match is not None and match.args:
        yield {"args": [*match.args, *own.values()]}
    elif match is not None:
        for ours in OURS:
            # Not `captured_kwargs`, which lack the prefix's arguments.
            captured = {key: value for key, value in match.kwargs.items() if key not in {*match.extra_kwargs, *ours}}
            yield {"kwargs": {**captured, **own}}
    yield {"kwargs": own}


@lru_cache
def _namespaces(resolver: Any, app: str) -> list[str]:
    """Return every namespace of an app, also nested ones such as `"shop:phone_referrals_pages"`.

    The last one comes first, as in Django's `reverse()`.
    """
    found = [":".join(each.namespaces) for each in routes(resolver) if each.app == app]
    return [*dict.fromkeys(reversed(found))]


class Route(NamedTuple):
    """A view in the URLs of a site."""

    app: str | None
    namespaces: tuple[str, ...]
    name: str | None
    view: Any
    patterns: tuple[Any, ...]  # Those of its prefixes, and its own.


def routes(resolver: Any, *, namespaces: tuple[str, ...] = (), patterns: tuple[Any, ...] = ()) -> Iterator[Route]:
    """Yield every view below a resolver, also below prefixes and in nested namespaces."""
    for each in resolver.url_patterns if resolver else ():
        path = (*patterns, each.pattern)
        if isinstance(each, URLResolver):
            inner = (*namespaces, each.namespace) if each.namespace else namespaces
            yield from routes(each, namespaces=inner, patterns=path)
        else:
            yield Route(resolver.app_name, namespaces, each.name, view_of(each.callback), path)


def site_resolver() -> URLResolver | None:
    """Return the resolver of `ROOT_URLCONF`; `None` if a project has none."""
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    return get_resolver(urlconf) if urlconf else None


def joined(*lists: list[URLPattern]) -> list[URLPattern]:
    """Return the patterns of several lists; the first of each name."""
    found: dict[str | None, URLPattern] = {}
    for pattern in chain(*lists):
        found.setdefault(pattern.name, pattern)
    return [*found.values()]


def view_of(function: Any) -> Any:
    """Return the class of a class-based view, of Django or REST framework, or the function itself."""
    return getattr(function, "view_class", None) or getattr(function, "cls", None) or function
