"""The API of sign-in alone: `path("api/", include("phone_referrals.signin.urls"))`."""

from django.urls import path

from phone_referrals.signin import views

app_name = "phone_referrals"

urlpatterns = [
    path("users/auth/", views.AuthView.as_view(), name="auth"),
    path("users/get_verify_code/", views.GetVerifyCodeView.as_view(), name="get_verify_code"),
    path("users/logout/", views.LogoutView.as_view(), name="logout"),
    path("users/logout_all/", views.LogoutAllView.as_view(), name="logout_all"),
    path("users/me/", views.MeView.as_view(), name="me"),
    path("users/me/delete/", views.DeleteView.as_view(), name="delete"),
    path("users/me/get_verify_code/", views.GetDeleteCodeView.as_view(), name="get_delete_code"),
    path("users/me/phone/", views.ChangePhoneView.as_view(), name="change_phone"),
    path("users/me/phone/get_verify_code/", views.GetChangeCodeView.as_view(), name="get_change_code"),
    path("users/me/sessions/", views.SessionsView.as_view(), name="sessions"),
    path("users/me/sessions/end_others/", views.EndOtherSessionsView.as_view(), name="end_other_sessions"),
    path("users/me/sessions/<str:pk>/end/", views.EndSessionView.as_view(), name="end_session"),
]
