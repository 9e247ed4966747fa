"""How the client learns a code of a package that does not tell: the sender keeps it, a header of the answer says it."""

from threading import local

kept = local()


class EchoMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        kept.code = ""
        response = self.get_response(request)
        if kept.code:
            response["X-Code"] = kept.code
        return response
