from django.urls import path

from phone_referrals.profiles import views

urlpatterns = [
    path("referrals/referral_code/", views.RedeemView.as_view(), name="redeem"),
    path("users/", views.UserListView.as_view(), name="user_list"),
    path("users/auth/", views.AuthView.as_view(), name="auth"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/<str:pk>/", views.UserDetailView.as_view(), name="user_detail"),
    path("users/<str:pk>/invitees/", views.InviteesView.as_view(), name="invitees"),
]
