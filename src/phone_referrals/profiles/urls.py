"""The calls that replace those of a half on a site with both, and the calls that only such a site has."""

from django.urls import path

from phone_referrals.profiles import views

replacements = [
    path("referrals/referral_code/", views.RedeemView.as_view(), name="redeem"),
    path("users/auth/", views.AuthView.as_view(), name="auth"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/me/delete/", views.DeleteView.as_view(), name="delete"),
]
additions = [
    path("users/", views.UserListView.as_view(), name="user_list"),
    path("users/<str:pk>/", views.UserDetailView.as_view(), name="user_detail"),
    path("users/<str:pk>/invitees/", views.InviteesView.as_view(), name="invitees"),
]
