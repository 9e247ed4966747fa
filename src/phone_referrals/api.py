"""The base of all API views: authentication, and how a refusal becomes an answer."""

from collections.abc import Sequence
from typing import Any

from django.db import DataError, connections, transaction
from django.middleware.csrf import get_token
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.log import log_response
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, ErrorDetail, ParseError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ReadOnlyField, Serializer
from rest_framework.throttling import BaseThrottle
from rest_framework.utils.serializer_helpers import ReturnDict
from rest_framework.views import APIView

from phone_referrals import halves
from phone_referrals.exceptions import CrossSite, PhoneReferralsError, Unavailable
from phone_referrals.http import RETRY_AFTER, guarded, is_database_down, require_utf8
from phone_referrals.keyset import Page
from phone_referrals.tokens import get_issuer, has_readable_session


class Refusal(APIException):
    """A refusal of the package as an exception of DRF, which its exception handler, or the host's, renders.

    `extra` goes into the answer beside the message, such as `guesses_left`.
    """

    def __init__(self, error: PhoneReferralsError) -> None:
        self.status_code = error.status_code
        super().__init__(error.message, error.code)
        self.extra = error.extra
        self.wait = error.retry_after
        if self.status_code == status.HTTP_429_TOO_MANY_REQUESTS:
            # At least 1: DRF sends no header for 0.
            self.wait = max(1, self.wait or 0)


# Content types that any site's page can send without a preflight request ("simple requests" of the Fetch standard).
SIMPLE_TYPES = {"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


class ApiView(GenericAPIView[Any]):
    """Base of the views: tokens of the site's kind, signed-in users only, errors as `{"detail", "code"}`.

    Requests are UTF-8. No cache keeps an answer, and error reports show neither of them.
    """

    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated,)
    serializer_class: type[BaseSerializer[Any]] = Serializer  # A body without fields.
    # Lists are keyset pages. With the host's paginator, the browsable API would need a queryset here.
    pagination_class = None
    answer_serializer_class: type[BaseSerializer[Any]]
    """The serializer of the answer, if it differs from that of the body."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = guarded(super().as_view(**initkwargs))
        # With a host's ATOMIC_REQUESTS, a refusal would roll back the count of wrong guesses.
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def answer(self, instance: Any, status: int = status.HTTP_200_OK) -> Response:
        """Return an object as the answer's serializer writes it."""
        return Response(self.answer_serializer_class(instance, context=self.get_serializer_context()).data, status)

    def answer_page(self, page: Page) -> Response:
        """Return a page of a list, and the addresses of the pages around it."""
        cursors = {"next": page.next_cursor, "previous": page.previous_cursor}
        address = self.request.build_absolute_uri(self.request.path)
        links = {name: f"{address}?cursor={cursor}" if cursor else None for name, cursor in cursors.items()}
        return Response({**links, "results": self.get_serializer(page.rows, many=True).data})

    def get_authenticators(self) -> list[BaseAuthentication]:
        if not halves.on("signin"):
            return super().get_authenticators()
        # The issuer's first: the scheme of the first makes the answer to an anonymous request 401 and not 403.
        issued = get_issuer().authentication_classes
        # The bases of the issuer's classes would only read the same header or cookie again.
        others = [each for each in self.authentication_classes if not any(issubclass(one, each) for one in issued)]
        return [authentication() for authentication in (*issued, *others)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        require_utf8(request._request)
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except (ValueError, DataError):
            # knox reads any bytes as UTF-8, and PostgreSQL refuses NUL bytes in a query: a `ValueError` of psycopg2.
            # The browsable API authenticates again, and must not fail again.
            request.authenticators = ()
            raise AuthenticationFailed from None

    def get_throttles(self) -> list[BaseThrottle]:
        # A view's own throttles do not replace the host's.
        hosts = [each for each in APIView.throttle_classes if each not in self.throttle_classes]
        return [throttle() for throttle in (*self.throttle_classes, *hosts)]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(response)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    def handle_exception(self, exc: Exception) -> Response:
        error, is_down = exc, is_database_down(exc)
        if is_down:
            # The browsable API authenticates again, and must not fail again.
            self.request.authenticators = ()
            exc = Unavailable(retry_after=RETRY_AFTER)
        if isinstance(exc, PhoneReferralsError):
            exc = Refusal(exc)
        elif isinstance(exc, RecursionError):
            # The JSON is nested deeper than Python can read.
            exc = ParseError()
        response = super().handle_exception(exc)
        if is_down:
            path = self.request._request.path
            log_response("Database down: %s", path, response=response, request=self.request._request, exception=error)
        if isinstance(response.data, ReturnDict):
            # Without its serializer: the browsable API would render the input, and not all of it can be rendered.
            response.data = dict(response.data)
        if isinstance(response.data, dict) and isinstance(response.data.get("detail"), ErrorDetail):
            response.data["code"] = response.data["detail"].code
        if isinstance(exc, Refusal) and isinstance(response.data, dict):
            # Not in `detail`: a host's exception handler expects only an `ErrorDetail` there.
            response.data |= exc.extra
        return response


class ActionView(ApiView):
    """Base of the views that act on the data of their serializer."""

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.act(serializer.validated_data)

    def act(self, data: dict[str, Any]) -> Response:
        """Act and return the answer; raises `PhoneReferralsError`."""
        raise NotImplementedError


class OpenView(ActionView):
    """Base of the two sign-in requests, which need no token; a stale token is ignored."""

    permission_classes = ()
    signs_in = False

    def get_authenticators(self) -> list[BaseAuthentication]:
        return []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A browser sends a simple request to another site without asking that site; JSON, only if it allows it by CORS.
        # Clients other than browsers do not send `Sec-Fetch-Site`.
        is_simple = request.method not in SAFE_METHODS and request._request.content_type in SIMPLE_TYPES
        if is_simple and request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise CrossSite
        super().initial(request, *args, **kwargs)
        if get_issuer().logs_in:
            if not has_readable_session(request._request):
                raise ParseError
            # A page of another site must not sign its visitors in here, to an account of its own.
            get_token(request._request)  # The answer to the first of the two requests sets the cookie.
            if self.signs_in:
                SessionAuthentication().enforce_csrf(request)


class KeyField(ReadOnlyField):
    """A user's primary key, of the type that the host's model has."""
