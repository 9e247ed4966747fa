from django.urls import path

from contenders.floor import views

urlpatterns = [
    path("api/users/get_verify_code/", views.get_verify_code),
    path("api/users/auth/", views.auth),
    path("api/users/", views.users),
    path("api/users/me/", views.me),
    path("api/users/<int:pk>/", views.user),
    path("api/referrals/referral_code/", views.redeem),
]
