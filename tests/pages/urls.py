"""A site with the pages at its root, and the API beside them."""

from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [
    path("api/", include("phone_referrals.urls")),
    path("elsewhere/", lambda request: HttpResponse("A page of the site."), name="elsewhere"),
    path("", include("phone_referrals.pages.urls")),
]
