from django.urls import path

from phone_referrals.profiles import account_views, views

urlpatterns = [
    path("referrals/referral_code/", views.RedeemView.as_view(), name="redeem"),
    path("users/", views.UserListView.as_view(), name="user_list"),
    path("users/auth/", views.AuthView.as_view(), name="auth"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/me/phone/", account_views.ChangePhoneView.as_view(), name="change_phone"),
    path("users/me/phone/get_verify_code/", account_views.GetChangeCodeView.as_view(), name="get_change_code"),
    path("users/me/delete/", account_views.DeleteView.as_view(), name="delete"),
    path("users/me/get_verify_code/", account_views.GetDeleteCodeView.as_view(), name="get_delete_code"),
    path("users/<str:pk>/", views.UserDetailView.as_view(), name="user_detail"),
    path("users/<str:pk>/invitees/", views.InviteesView.as_view(), name="invitees"),
]
