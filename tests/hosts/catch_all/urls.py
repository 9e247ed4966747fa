"""The package before a pattern that matches everything."""

from django.urls import include, path, re_path

from tests.hosts.catch_all.views import page

urlpatterns = [
    path("api/", include("phone_referrals.urls")),
    path("account/", include("phone_referrals.pages.urls")),
    re_path(r"^(?P<path>.*)$", page),
]
