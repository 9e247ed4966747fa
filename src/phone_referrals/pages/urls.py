"""The pages of both halves: `path("", include("phone_referrals.pages.urls"))`."""

from django.urls import path

from phone_referrals.profiles import pages
from phone_referrals.referrals import page_urls as referrals
from phone_referrals.routing import joined
from phone_referrals.signin import page_urls as signin

app_name = "phone_referrals_pages"

replacements = [
    path("", pages.ProfileView.as_view(), name="profile"),
    path("sign-in/", pages.SignInView.as_view(), name="sign_in"),
    path("sign-in/code/", pages.EnterCodeView.as_view(), name="enter_code"),
]
urlpatterns = joined(replacements, signin.urlpatterns, referrals.urlpatterns)
