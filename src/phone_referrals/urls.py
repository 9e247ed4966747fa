"""The API of both halves: `path("api/", include("phone_referrals.urls"))`."""

from phone_referrals.profiles import urls as profiles
from phone_referrals.referrals import urls as referrals
from phone_referrals.routing import joined
from phone_referrals.signin import urls as signin

app_name = "phone_referrals"

# Last the additions: `users/<id>/` matches any word.
urlpatterns = [
    *joined(profiles.replacements, signin.urlpatterns, referrals.urlpatterns),
    *profiles.additions,
]
