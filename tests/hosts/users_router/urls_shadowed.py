"""A router with `users` that answers instead of the package."""

from django.urls import include, path

from tests.hosts.users_router.router import router

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/", include("phone_referrals.urls")),
]
