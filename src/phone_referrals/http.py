"""Guards that the API, the pages and the admin share: of what a request may cost, and of what a report may tell."""

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

from phone_referrals.exceptions import NotUTF8
from phone_referrals.throttling import client_address

MAX_HOST = 253  # RFC 1035, 2.3.4, as text.
RETRY_AFTER = 10  # Seconds; as the gateway of the example says.


def is_utf8(request: HttpRequest) -> bool:
    """Return whether the header of a request names no other charset than UTF-8, in any of its spellings.

    Django and REST framework decode body and query string by the charset that the client names. Some are quadratic
    (`punycode`, `idna`), some inflate (`bz2`), some are not for text at all, and raise (`zlib`).
    """
    charset = (request.content_params or {}).get("charset", "utf-8")
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False


def require_utf8(request: HttpRequest) -> None:
    """Raise `NotUTF8` unless body and query string are UTF-8. Call it before anything reads either."""
    if not is_utf8(request):
        # The refusal is written by code that reads the query string.
        request.encoding = "utf-8"
        raise NotUTF8
    with suppress(RawPostDataException):  # Somebody else has read it.
        # Each header of a part can name a charset as well, by RFC 2231: `name*=punycode''x`.
        if request.content_type == "multipart/form-data" and re.search(rb"\*\s*=", request.body):
            raise NotUTF8


def is_database_down(error: Exception) -> bool:
    """Return whether `error` says that a database cannot be reached: not that a statement or a schema is wrong."""
    return isinstance(error, OperationalError | InterfaceError) and any(
        each.errors_occurred and (each.connection is None or not each.is_usable())
        for each in connections.all(initialized_only=True)
    )


class _ShowNothing(SafeExceptionReporterFilter):
    """Keeps what a request says, and what is made of it, out of Django's reports of its errors: phones and codes.

    `sensitive_variables` alone does not: below Django's own `authenticate` only what that names is hidden. Nor does it,
    or `sensitive_post_parameters`, hide the query.
    """

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> Any:
        if self.is_active(request):
            return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
        return super().get_traceback_frame_variables(request, tb_frame)

    def get_safe_request_meta(self, request: Any) -> dict[str, Any]:
        if self.is_active(request):
            # The report asks for this first; what it reads of the form and the query then is empty.
            request._mark_post_parse_error()
            request.GET = QueryDict()
            query = request.META.get("QUERY_STRING")
            for name, value in request.META.items():
                # Servers write the query in more than one place; the page before may have had the same.
                if name == "HTTP_REFERER" or (query and isinstance(value, str) and query in value):
                    request.META[name] = ""
        return super().get_safe_request_meta(request)


def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return `view`, of whose requests, frames and rows Django's error reports show nothing."""
    # For reports without a request: of what runs on commit, and of receivers that are sent signals robustly.
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
        raise refused.with_traceback(traceback)  # Not while the other is handled: it would be its context.

    return guard


def user_of(request: HttpRequest) -> AbstractBaseUser:
    """Return the user of a request, for views that only signed-in users reach."""
    return cast(AbstractBaseUser, request.user)


def host_of(request: HttpRequest) -> str:
    """Return the domain that a request was sent to; raises `DisallowedHost`, which is answered with 400.

    A wildcard in `ALLOWED_HOSTS` lets anybody name a host that is longer than any domain. It would be in a message that
    the site pays for by length, and in a row of the queue that has no room for it.
    """
    host = split_domain_port(request.get_host())[0]
    if len(host) > MAX_HOST:
        raise DisallowedHost("A host that is longer than any domain.")
    return host


def facts_of(request: HttpRequest) -> dict[str, Any]:
    """Return what is told of a request, beside the phone, to those who send a code: its body is `data`, as it came."""
    data = getattr(request, "data", None)
    body = request.POST if data is None else data
    return {"host": host_of(request), "address": client_address(request), "data": dict(body.items())}
