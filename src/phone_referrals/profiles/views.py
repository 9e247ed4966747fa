"""The calls that know both a user's phone and a user's referrals."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ApiView
from phone_referrals.profiles import queries
from phone_referrals.profiles.permissions import ReadPermission, users_permission
from phone_referrals.profiles.serializers import (
    AuthSerializer,
    InviteeSerializer,
    ProfileSerializer,
    SignedInSerializer,
)
from phone_referrals.profiles.sign_in import SignedIn, sign_in
from phone_referrals.referrals import codes, invites
from phone_referrals.referrals import views as of_referrals
from phone_referrals.referrals.invitees import invitees_page
from phone_referrals.signin import views as of_signin
from phone_referrals.signin.delete_account import delete_account
from phone_referrals.signin.serializers import UserSerializer
from phone_referrals.throttling import ReadThrottle
from phone_referrals.tokens import get_issuer


class AuthView(of_signin.AuthView):
    """Exchange a code for a token; the first time, create the user (201), who may enter a referral code at once."""

    serializer_class = AuthSerializer
    answer_serializer_class = SignedInSerializer

    def act(self, data: dict[str, Any]) -> Response:
        response = super().act(data)
        if invites.codes_in(self.request):
            # Used, or of no use to an existing user.
            invites.forget(response)
        return response

    def sign_in(self, data: dict[str, Any]) -> SignedIn:
        return sign_in(
            **of_signin.proof_in(data),
            issuer=get_issuer(self.request),
            referral_code=data.get("referral_code") or "",
            invites=invites.codes_in(self.request),
        )


class DeleteView(of_signin.DeleteView):
    """Delete one's own account."""

    def delete_account(self, user: AbstractBaseUser, code: str) -> None:
        delete_account(user, code=code, around=codes.withdrawn(user))


class ReadView(ApiView):
    """Base of the views that show other people."""

    permission_classes = (IsAuthenticated, users_permission)  # type: ignore[assignment]  # DRF calls each.
    throttle_classes = (ReadThrottle,)

    @property
    def read_permission(self) -> ReadPermission:
        """The permission that narrows the results. Where none does, the base, which shows all users."""
        return next((each for each in self.get_permissions() if isinstance(each, ReadPermission)), ReadPermission())

    def get_user(self, users: QuerySet[Any], pk: str) -> Any:
        user = get_user_or_404(self.read_permission.visible(self.request, users), pk)
        self.check_object_permissions(self.request, user)
        return user


class UserListView(ReadView):
    """List the users whom the reader may read: all of them, newest keys first, or the reader and its own people."""

    serializer_class = UserSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer_page(self.read_permission.list_users(request, request.query_params.get("cursor", "")))


class UserDetailView(ReadView):
    """Show a user's profile."""

    serializer_class = ProfileSerializer

    def get(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_user(queries.profiles(), pk)).data)


class MeView(of_signin.MeView):
    """Show the profile of the signed-in user."""

    serializer_class = ProfileSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        profiles = queries.profiles()
        try:
            me = get_user_or_404(profiles, request.user.pk)
        except Http404:
            # A replica may not have a new user yet.
            me = get_user_or_404(profiles.using(router.db_for_write(get_user_model())), request.user.pk)
        return Response(self.get_serializer(me).data)


class InviteesView(ReadView):
    """List the invitees of a user, newest first."""

    serializer_class = InviteeSerializer

    def get(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        user = self.get_user(queries.users(), pk)
        if not queries.has_open_network(user):
            raise Http404
        return self.answer_page(invitees_page(user, request.query_params.get("cursor", "")))


class RedeemView(of_referrals.RedeemView):
    """Enter somebody's referral code, once."""

    answer_serializer_class = ProfileSerializer

    def answer_redeemed(self) -> Response:
        # Not from a replica, which may not have the new referral yet.
        profiles = queries.profiles().using(router.db_for_write(get_user_model()))
        return self.answer(get_user_or_404(profiles, self.request.user.pk), status.HTTP_201_CREATED)


def get_user_or_404(users: QuerySet[Any], pk: Any) -> Any:
    """Return the user with the key in a URL, of any type; raises `Http404`."""
    model = get_user_model()
    if "\0" in str(pk):
        # PostgreSQL takes no NUL byte in a text, not even to look for it.
        raise Http404
    try:
        return users.get(pk=model._meta.pk.to_python(pk))
    except (ValidationError, ValueError, model.DoesNotExist):
        raise Http404 from None
