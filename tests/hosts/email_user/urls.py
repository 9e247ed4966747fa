from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("phone_referrals.urls")),  # +
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
