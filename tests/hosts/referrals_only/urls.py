from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def front_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("front")


urlpatterns = [
    path("", front_page),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/", include("phone_referrals.referrals.urls")),  # +
    path("invitations/", include("phone_referrals.referrals.page_urls")),  # +
]
