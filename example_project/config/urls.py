from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

# No OPTIONS, at which drf-spectacular fails.
READ = {"http_method_names": ["get", "head"]}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("phone_referrals.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(**READ), name="swagger"),
    path("api/redoc/", SpectacularRedocView.as_view(template_name="redoc.html", **READ), name="redoc"),
    path("", include("phone_referrals.pages.urls")),
]
