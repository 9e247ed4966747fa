from django.urls import path

from phone_referrals.referrals import views

urlpatterns = [path("referrals/", views.ReferralsView.as_view(), name="referrals")]
