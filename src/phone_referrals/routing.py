"""The addresses of our own views, wherever a host has included them."""

from typing import Any

from django.urls import NoReverseMatch, reverse

# What our own patterns capture: it is not passed on to one that takes none. All else is of the host's prefix.
OURS: tuple[set[str], ...] = (set(), {"code"}, {"pk"})


def address_of(request: Any, name: str, **own: Any) -> str:
    """Return the address of `name`, such as `"phone_referrals:invitees"`; raises `NoReverseMatch`.

    It is in the namespace of the view that was asked, and has the arguments that the host's prefix has captured there.
    """
    match = getattr(request, "resolver_match", None)
    if match is None:
        return reverse(name, kwargs=own)
    app, _, view = name.partition(":")
    is_beside = match.namespace and (app == "phone_referrals" or app in match.app_names[-1:])
    for place in [f"{match.namespace}:{view}", name] if is_beside else [name]:
        for ours in OURS:
            # Not `captured_kwargs`, which lack those of a prefix.
            captured = {key: value for key, value in match.kwargs.items() if key not in {*match.extra_kwargs, *ours}}
            values = {"args": [*match.args, *own.values()]} if match.args else {"kwargs": {**captured, **own}}
            try:
                return reverse(place, current_app=match.namespace, **values)
            except NoReverseMatch:
                continue
    return reverse(name, current_app=match.namespace, kwargs=own)
