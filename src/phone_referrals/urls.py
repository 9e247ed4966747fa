"""The API of both halves: `path("api/", include("phone_referrals.urls"))`."""

from django.urls import path

from phone_referrals.profiles import views
from phone_referrals.referrals import urls as referrals
from phone_referrals.routing import joined
from phone_referrals.signin import urls as signin

app_name = "phone_referrals"

replacements = [
    path("referrals/referral_code/", views.RedeemView.as_view(), name="redeem"),
    path("users/auth/", views.AuthView.as_view(), name="auth"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/me/delete/", views.DeleteView.as_view(), name="delete"),
]
urlpatterns = [
    *joined(replacements, signin.urlpatterns, referrals.urlpatterns),
    # Last: `users/<str:pk>/` matches any word.
    path("users/", views.UserListView.as_view(), name="user_list"),
    path("users/<str:pk>/", views.UserDetailView.as_view(), name="user_detail"),
    path("users/<str:pk>/invitees/", views.InviteesView.as_view(), name="invitees"),
]
