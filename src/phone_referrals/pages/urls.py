"""The pages: `path("", include("phone_referrals.pages.urls"))`."""

from django.urls import path

from phone_referrals.pages import profile, sign_in
from phone_referrals.pages.page import choose_language

app_name = "phone_referrals_pages"

urlpatterns = [
    path("", profile.ProfileView.as_view(), name="profile"),
    path("invitees/", profile.InviteesView.as_view(), name="invitees"),
    path("language/", choose_language, name="set_language"),
    path("r/<path:code>/", sign_in.InviteView.as_view(), name="invite"),
    path("sign-in/", sign_in.SignInView.as_view(), name="sign_in"),
    path("sign-in/code/", sign_in.EnterCodeView.as_view(), name="enter_code"),
    path("sign-in/code/again/", sign_in.SendAgainView.as_view(), name="send_again"),
    path("sign-out/", sign_in.SignOutView.as_view(), name="sign_out"),
    path("sign-out/everywhere/", sign_in.SignOutEverywhereView.as_view(), name="sign_out_everywhere"),
]
