"""Permissions to read other people: DRF's, which also narrow a query, so that everybody else is unknown."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.module_loading import import_string
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from phone_referrals import keyset
from phone_referrals.conf import conf
from phone_referrals.profiles import queries


class ReadPermission(BasePermission):
    """Base of these. As it stands, the list has all users, and every one of them is found."""

    def visible(self, request: Request, users: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of `users` that the request may find. Any other is answered with 404."""
        return users

    def list_users(self, request: Request, cursor: str) -> keyset.Page:
        """Return a page of the list of users; raises `InvalidCursor`."""
        return queries.users_page(cursor)


class OwnNetwork(ReadPermission, IsAuthenticated):
    """Lets staff read everybody, and other users themselves, their referrer and the people below them."""

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        # A user that `visible` returned needs no second look.
        if not (hasattr(obj, "network_level") or self.visible(request, queries.users()).filter(pk=obj.pk).exists()):
            raise Http404
        return True

    def visible(self, request: Request, users: QuerySet[Any]) -> QuerySet[Any]:
        reader: Any = request.user
        return users if getattr(reader, "is_staff", False) else queries.near(reader, users)

    def list_users(self, request: Request, cursor: str) -> keyset.Page:
        reader: Any = request.user
        if getattr(reader, "is_staff", False):
            return super().list_users(request, cursor)
        return queries.network_page(reader, cursor)


def users_permission() -> BasePermission:
    """Return the permission that `PHONE_REFERRALS_USERS_PERMISSION` names: DRF calls this for each request."""
    permission: BasePermission = import_string(conf.users_permission)()
    return permission
