"""A site with the pages under `/account/` only."""

from django.urls import include, path

urlpatterns = [path("account/", include("phone_referrals.pages.urls"))]
