"""The pages of sign-in alone: `path("", include("phone_referrals.signin.page_urls"))`."""

from django.urls import path

from phone_referrals.pages.page import choose_language
from phone_referrals.signin import pages

app_name = "phone_referrals_pages"

urlpatterns = [
    path("", pages.AccountView.as_view(), name="profile"),
    path("language/", choose_language, name="set_language"),
    path("sign-in/", pages.SignInView.as_view(), name="sign_in"),
    path("sign-in/code/", pages.EnterCodeView.as_view(), name="enter_code"),
    path("sign-in/code/again/", pages.SendAgainView.as_view(), name="send_again"),
    path("sign-out/", pages.SignOutView.as_view(), name="sign_out"),
    path("sign-out/everywhere/", pages.SignOutEverywhereView.as_view(), name="sign_out_everywhere"),
]
