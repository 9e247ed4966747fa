"""Two admin sites that have all models, and a third that has none."""

from django.contrib import admin
from django.urls import include, path

second = admin.AdminSite(name="second")
for model, of_the_first in admin.site._registry.items():
    second.register(model, type(of_the_first))

urlpatterns = [
    path("second/", second.urls),
    path("admin/", admin.site.urls),
    path("third/", admin.AdminSite(name="third").urls),
    path("api/", include("phone_referrals.urls")),
]
