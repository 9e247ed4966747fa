"""The calls that know both a user's phone and a user's referrals."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals import keyset
from phone_referrals.api import ApiView, OpenView
from phone_referrals.profiles import queries
from phone_referrals.profiles.permissions import MayReadUsers, ReadPermission, reading
from phone_referrals.profiles.serializers import (
    InviteeSerializer,
    ProfileSerializer,
    RedeemSerializer,
    UserSerializer,
)
from phone_referrals.profiles.sign_in import SignedIn, sign_in
from phone_referrals.referrals import invites
from phone_referrals.referrals.redeem import redeem
from phone_referrals.signin.serializers import AuthSerializer
from phone_referrals.throttling import AuthThrottle, ReadThrottle, RedeemAddressThrottle, RedeemUserThrottle
from phone_referrals.tokens import get_issuer


class AuthView(OpenView):
    """Exchange a code for a token; the first time, create the user (201)."""

    serializer_class = AuthSerializer
    signs_in = True
    throttle_classes = (AuthThrottle,)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        signed_in = self.sign_in(serializer.validated_data)
        created = status.HTTP_201_CREATED if signed_in.created else status.HTTP_200_OK
        response = Response(self.represent(signed_in), status=created)
        if invites.codes_in(request):
            # Used, or not meant for somebody who is a user already.
            invites.forget(response)
        return response

    def sign_in(self, data: dict[str, Any]) -> SignedIn:
        # By name: a host's serializer may have more fields.
        return sign_in(
            self.request._request,
            phone_number=data["phone_number"],
            code=data["code"],
            request_id=data.get("request_id") or "",
            referral_code=data.get("referral_code") or "",
            invites=invites.codes_in(self.request),
        )

    def represent(self, signed_in: SignedIn) -> dict[str, Any]:
        self.request.user = signed_in.user  # So that the answer is written for its eyes.
        return {
            **signed_in.token,
            "token_type": get_issuer().token_type,
            "created": signed_in.created,
            "user": UserSerializer(signed_in.user, context=self.get_serializer_context()).data,
            "referral": self.represent_referral(signed_in),
        }

    def represent_referral(self, signed_in: SignedIn) -> dict[str, Any] | None:
        if signed_in.refusal:
            return {"redeemed": False, "code": signed_in.refusal.code, "detail": signed_in.refusal.message}
        return {"redeemed": True, "code": None, "detail": None} if signed_in.redeemed else None


class ReadView(ApiView):
    """Base of the views that show other people."""

    permission_classes = (IsAuthenticated, MayReadUsers)
    throttle_classes = (ReadThrottle,)

    @property
    def read_permission(self) -> ReadPermission:
        return reading(*self.get_permissions())

    def get_user(self, users: QuerySet[Any], pk: str) -> Any:
        user = get_user_or_404(self.read_permission.visible(self.request, users), pk)
        self.check_object_permissions(self.request, user)
        return user


class UserListView(ReadView):
    """List the users whom the reader may read: all of them, newest keys first, or the reader and its own people."""

    serializer_class = UserSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return page_response(self, self.read_permission.list_users(request, request.query_params.get("cursor", "")))


class UserDetailView(ReadView):
    """Show a user's profile."""

    serializer_class = ProfileSerializer

    def get(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_user(queries.profiles(), pk)).data)


class MeView(ApiView):
    """Show the profile of the signed-in user."""

    serializer_class = ProfileSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        profiles = queries.profiles()
        try:
            me = get_user_or_404(profiles, request.user.pk)
        except Http404:
            # A replica may not know yet of somebody who has just signed up.
            me = get_user_or_404(profiles.using(router.db_for_write(get_user_model())), request.user.pk)
        return Response(self.get_serializer(me).data)


class InviteesView(ReadView):
    """List whom a user invited, newest first."""

    serializer_class = InviteeSerializer

    def get(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        user = self.get_user(queries.users(), pk)
        if not queries.has_open_network(user):
            raise Http404
        return page_response(self, queries.invitees_page(user, request.query_params.get("cursor", "")))


class RedeemView(ApiView):
    """Enter somebody's referral code, once."""

    serializer_class = RedeemSerializer
    throttle_classes = (RedeemUserThrottle, RedeemAddressThrottle)
    profile_serializer_class = ProfileSerializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        redeem(request.user, serializer.validated_data["referral_code"])
        # Not from a replica, which may not know yet of what was just written.
        profiles = queries.profiles().using(router.db_for_write(get_user_model()))
        me = get_user_or_404(profiles, request.user.pk)
        profile = self.profile_serializer_class(me, context=self.get_serializer_context())
        return Response(profile.data, status=status.HTTP_201_CREATED)


def get_user_or_404(users: QuerySet[Any], pk: Any) -> Any:
    """Return the user whom a URL names by any kind of key."""
    model = get_user_model()
    if "\0" in str(pk):
        # PostgreSQL takes no NUL byte in a text, not even to look for it.
        raise Http404
    try:
        return users.get(pk=model._meta.pk.to_python(pk))
    except (ValidationError, ValueError, model.DoesNotExist):
        raise Http404 from None


def page_response(view: ApiView, page: keyset.Page) -> Response:
    """Return a page of a list and the address of the page after it."""
    request, cursor = view.request, page.next_cursor
    return Response(
        {
            "next": request.build_absolute_uri(f"{request.path}?cursor={cursor}") if cursor else None,
            "results": view.get_serializer(page.rows, many=True).data,
        }
    )
