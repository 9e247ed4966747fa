"""The API of referrals alone: `path("api/", include("phone_referrals.referrals.urls"))`."""

from django.urls import path

from phone_referrals.referrals import views

app_name = "phone_referrals"

urlpatterns = [
    path("referrals/", views.ReferralsView.as_view(), name="referrals"),
    path("referrals/invitees/", views.OwnInviteesView.as_view(), name="own_invitees"),
    path("referrals/referral_code/", views.RedeemView.as_view(), name="redeem"),
]
