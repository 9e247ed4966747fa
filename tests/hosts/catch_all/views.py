from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, path: str) -> HttpResponse:
    """Answer any address, as a content management system or an application of one page does."""
    return HttpResponse("A page of the site.")
