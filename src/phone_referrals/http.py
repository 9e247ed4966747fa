"""Guards of the API, the pages and the admin: they limit what a request costs, and what an error report tells."""

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import DisallowedHost
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connections
from django.http import HttpRequest, QueryDict, RawPostDataException
from django.http.request import split_domain_port
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request

from phone_referrals.exceptions import NotUTF8
from phone_referrals.throttling import client_address

MAX_HOST = 253  # RFC 1035, 2.3.4, as text.
RETRY_AFTER = 10  # Seconds, as in the example's nginx.


def is_utf8(request: HttpRequest) -> bool:
    """Return whether the charset of a request is UTF-8, in any spelling, or not named.

    Django and REST framework decode body and query string by the charset that the client names. Some codecs are
    quadratic (`punycode`, `idna`), some inflate (`bz2`), and some are not for text and raise (`zlib`).
    """
    charset = (request.content_params or {}).get("charset", "utf-8")
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False


def require_utf8(request: HttpRequest) -> None:
    """Raise `NotUTF8` unless body and query string are UTF-8. Call it before other code reads either."""
    if not is_utf8(request):
        # The code that answers the refusal reads the query string.
        request.encoding = "utf-8"
        raise NotUTF8
    with suppress(RawPostDataException):  # Other code has read it.
        # Headers of a part can name a charset as well, by RFC 2231: `name*=punycode''x`.
        if request.content_type == "multipart/form-data" and re.search(rb"\*\s*=", request.body):
            raise NotUTF8


def is_database_down(error: Exception) -> bool:
    """Return whether `error` means that a database is unreachable, not that a statement or a schema is wrong."""
    return isinstance(error, OperationalError | InterfaceError) and any(
        each.errors_occurred and (each.connection is None or not each.is_usable())
        for each in connections.all(initialized_only=True)
    )


class _ShowNothing(SafeExceptionReporterFilter):
    """Keeps phones and codes out of Django's error reports: the variables of all frames, the form and the query.

    `sensitive_variables` alone does not: below Django's own `authenticate` it hides only the names that `authenticate`
    lists. Neither it nor `sensitive_post_parameters` hides the query.
    """

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> Any:
        if self.is_active(request):
            return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
        return super().get_traceback_frame_variables(request, tb_frame)

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        if self.is_active(request):
            # The report calls this first, so the form and the query that it reads afterwards are empty.
            request._mark_post_parse_error()
            request.GET = QueryDict()
            query = request.META.get("QUERY_STRING")
            for name, value in request.META.items():
                # Servers write the query in several variables, and the previous page may have had the same one.
                if name == "HTTP_REFERER" or (query and isinstance(value, str) and query in value):
                    request.META[name] = ""
        return super().get_safe_request_meta(request)


def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return `view` wrapped so that Django's error reports show none of its requests, frames and rows."""
    # For reports without a request: of hooks that run on commit, and of receivers called by `send_robust`.
    hidden = sensitive_variables()(view)

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        request.exception_reporter_filter = _ShowNothing()
        try:
            return hidden(request, *args, **kwargs)
        except (DataError, IntegrityError) as error:
            if settings.DEBUG:
                raise
            refused = type(error)("The database refused a row, in words that quote it.")
            traceback = error.__traceback__
        raise refused.with_traceback(traceback)  # Outside the handler: the first error would be its context.

    return guard


def user_of(request: HttpRequest) -> AbstractBaseUser:
    """Return the user of a request, for views that only signed-in users reach."""
    return cast(AbstractBaseUser, request.user)


def host_of(request: HttpRequest) -> str:
    """Return the domain that a request was sent to; raises `DisallowedHost`, which is answered with 400.

    With a wildcard in `ALLOWED_HOSTS`, a stranger can name a host that is longer than any domain. The message, which
    the site pays for by length, would name it, and the queue's row has no room for it.
    """
    host = split_domain_port(request.get_host())[0]
    if len(host) > MAX_HOST:
        raise DisallowedHost("A host that is longer than any domain.")
    return host


def facts_of(request: HttpRequest) -> dict[str, Any]:
    """Return the facts that `request_code` takes beside the phone; `data` is the body as it came."""
    body: Any = request.data if isinstance(request, Request) else request.POST
    return {"host": host_of(request), "address": client_address(request), "data": dict(body.items())}
