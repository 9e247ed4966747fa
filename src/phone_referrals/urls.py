"""The API: `path("api/", include("phone_referrals.urls"))`."""

from phone_referrals.profiles import urls as profiles
from phone_referrals.referrals import urls as referrals
from phone_referrals.signin import urls as signin

app_name = "phone_referrals"

# Last, profiles: its `users/<id>/` matches any word.
urlpatterns = [*signin.urlpatterns, *referrals.urlpatterns, *profiles.urlpatterns]
