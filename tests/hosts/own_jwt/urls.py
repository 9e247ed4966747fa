from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView


class OrdersView(APIView):
    """A view of the site's own, which reads tokens as the settings say."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response([])


urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/orders/", OrdersView.as_view()),
    path("api/", include("phone_referrals.urls")),  # +
]
