"""A site with the pages twice: at its root, and under `/account/` as an instance of its own."""

from django.urls import include, path

urlpatterns = [
    path("account/", include("phone_referrals.pages.urls", namespace="account")),
    path("", include("phone_referrals.pages.urls")),
]
