"""An API of a site's own, as a router makes it: it has `users/` and `users/<pk>/`."""

from django.contrib.auth import get_user_model
from rest_framework.routers import DefaultRouter
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet


class UserSerializer(ModelSerializer):  # type: ignore[type-arg]
    class Meta:
        model = get_user_model()
        fields = ("pk",)


class UserViewSet(ReadOnlyModelViewSet):  # type: ignore[type-arg]
    queryset = get_user_model().objects.order_by("pk")
    serializer_class = UserSerializer


router = DefaultRouter()
router.register("users", UserViewSet)
