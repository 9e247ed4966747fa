from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("phone_referrals.signin.urls")),  # +
    path("", include("phone_referrals.signin.page_urls")),  # +
]
