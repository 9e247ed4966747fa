"""A site whose prefixes capture: the API under a version, the pages under a tenant, a language and a namespace."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path

PAGES = "phone_referrals.pages.urls"

urlpatterns = [
    re_path(r"^api/(?P<version>v1)/", include("phone_referrals.urls")),
    re_path(r"^unnamed/(v1)/", include("phone_referrals.urls", namespace="unnamed")),
    path("named/", include((PAGES, "phone_referrals_pages"), namespace="named")),
    path("nested/", include(([path("", include("phone_referrals.urls"))], "outer"), namespace="v2")),
    path("shop/", include(([path("<int:pk>/", include(PAGES))], "shop"), namespace="shop")),
    *i18n_patterns(path("i18n/", include(PAGES, namespace="i18n"))),
    path("<slug:tenant>/account/", include(PAGES)),
]
