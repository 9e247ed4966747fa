"""`/healthz` and `/readyz` tell an orchestrator whether to restart this process, and whether to send it visitors."""

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse


class HealthMiddleware:
    """Answer before all other middleware, for any client and host name, without a session and without details.

    Probes call a container by its address, which is not among ALLOWED_HOSTS, and over HTTP.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return answer(well=True)
        if request.path == "/readyz":
            return answer(well=database_answers())
        return self.get_response(request)


def answer(*, well: bool) -> HttpResponse:
    return HttpResponse(
        "ok\n" if well else "unavailable\n",
        status=200 if well else 503,
        content_type="text/plain",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
