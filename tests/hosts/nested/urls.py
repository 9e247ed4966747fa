"""The API and the pages, each inside a namespace of the site."""

from django.urls import include, path

urlpatterns = [
    path("api/", include(([path("", include("phone_referrals.urls"))], "api"))),
    path("shop/", include(([path("account/", include("phone_referrals.pages.urls"))], "shop"))),
]
