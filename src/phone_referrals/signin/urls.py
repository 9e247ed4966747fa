from django.urls import path

from phone_referrals.signin import views

urlpatterns = [
    path("users/get_verify_code/", views.GetVerifyCodeView.as_view(), name="get_verify_code"),
    path("users/logout/", views.LogoutView.as_view(), name="logout"),
    path("users/logout_all/", views.LogoutAllView.as_view(), name="logout_all"),
    path("users/me/sessions/", views.SessionsView.as_view(), name="sessions"),
    path("users/me/sessions/end_others/", views.EndOtherSessionsView.as_view(), name="end_other_sessions"),
    path("users/me/sessions/<str:pk>/end/", views.EndSessionView.as_view(), name="end_session"),
]
