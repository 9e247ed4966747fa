from django.urls import path

from phone_referrals.signin import views

urlpatterns = [
    path("users/get_verify_code/", views.GetVerifyCodeView.as_view(), name="get_verify_code"),
    path("users/logout/", views.LogoutView.as_view(), name="logout"),
    path("users/logout_all/", views.LogoutAllView.as_view(), name="logout_all"),
]
