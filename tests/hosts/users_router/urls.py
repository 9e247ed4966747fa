"""A router with `users` and the package, each below a prefix of its own."""

from django.urls import include, path

from tests.hosts.users_router.router import router

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/phone/", include("phone_referrals.urls")),
]
