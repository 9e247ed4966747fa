"""The pages of referrals alone: `path("invitations/", include("phone_referrals.referrals.page_urls"))`."""

from django.urls import path

from phone_referrals.pages.page import choose_language
from phone_referrals.referrals import pages

app_name = "phone_referrals_pages"

urlpatterns = [
    path("", pages.ReferralsView.as_view(), name="profile"),
    path("invitees/", pages.InviteesView.as_view(), name="invitees"),
    path("language/", choose_language, name="set_language"),
    path("r/<path:code>/", pages.InviteView.as_view(), name="invite"),
]
