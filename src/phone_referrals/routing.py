"""The addresses of our own views, wherever a host has included them."""

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.urls import NoReverseMatch, get_resolver, get_urlconf, reverse

# What our own patterns capture: it is not passed on to one that takes none. All else is of the host's prefix.
OURS: tuple[set[str], ...] = (set(), {"code"}, {"pk"})


def address_of(request: Any, name: str, **own: Any) -> str:
    """Return the address of `name`, such as `"phone_referrals:invitees"`; raises `NoReverseMatch`.

    It is in the namespace of the view that was asked, or as near to it as the site has one, and has the arguments that
    the host's prefix has captured there.
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
    """Yield what an address may take, beginning with all that the host's prefix has captured."""
    if match is not None and match.args:
        yield {"args": [*match.args, *own.values()]}
    elif match is not None:
        for ours in OURS:
            # Not `captured_kwargs`, which lack those of a prefix.
            captured = {key: value for key, value in match.kwargs.items() if key not in {*match.extra_kwargs, *ours}}
            yield {"kwargs": {**captured, **own}}
    yield {"kwargs": own}


@lru_cache
def _namespaces(resolver: Any, app: str) -> list[str]:
    """Return every namespace of an app, those inside others' included, such as `"shop:phone_referrals_pages"`."""
    found = []
    for namespace, (_, inner) in resolver.namespace_dict.items():
        found += [namespace] if inner.app_name == app else []
        found += [f"{namespace}:{each}" for each in _namespaces(inner, app)]
    return found
