"""A pattern that matches everything but the API, before the pages."""

from django.urls import include, path, re_path

from tests.hosts.catch_all.views import page

urlpatterns = [
    re_path(r"^(?P<path>(?!api/).*)$", page),
    path("api/", include("phone_referrals.urls")),
    path("account/", include("phone_referrals.pages.urls")),
]
