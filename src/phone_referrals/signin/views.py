"""The API of sign-in: codes and tokens, and the user's own account."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_out
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ActionView, ApiView, OpenView
from phone_referrals.http import facts_of, host_of, user_of
from phone_referrals.signin.change_phone import change_phone, request_change
from phone_referrals.signin.delete_account import delete_account, request_deletion
from phone_referrals.signin.serializers import (
    AuthSerializer,
    ChangePhoneSerializer,
    ChangeRequestedSerializer,
    CodeSentSerializer,
    CodeSerializer,
    GetVerifyCodeSerializer,
    PhoneChangedSerializer,
    SessionsSerializer,
    SignedInSerializer,
    UserSerializer,
)
from phone_referrals.signin.sign_in import SignedIn, sign_in
from phone_referrals.signin.verification import request_code
from phone_referrals.throttling import AuthThrottle, GetVerifyCodeThrottle
from phone_referrals.tokens import BaseTokenIssuer, end_all, get_issuer, issuer_of


class GetVerifyCodeView(OpenView):
    """Send a code to a phone. The answer is the same whether or not the phone has a user."""

    serializer_class = GetVerifyCodeSerializer
    answer_serializer_class = CodeSentSerializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        return self.answer(request_code(phone_number=data["phone_number"], **facts_of(self.request)))


class AuthView(OpenView):
    """Exchange a code for a token; the first time, create the user (201)."""

    serializer_class = AuthSerializer
    answer_serializer_class = SignedInSerializer
    signs_in = True
    throttle_classes = (AuthThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        signed_in = self.sign_in(data)
        self.request.user = signed_in.user  # So that the answer is written for its eyes.
        return self.answer(signed_in, status.HTTP_201_CREATED if signed_in.created else status.HTTP_200_OK)

    def sign_in(self, data: dict[str, Any]) -> SignedIn:
        return sign_in(**proof_in(data), issuer=get_issuer(self.request))


def proof_in(data: dict[str, Any]) -> dict[str, str]:
    """Return the arguments of `sign_in`: by name, because a host's serializer may have more fields."""
    return {"phone_number": data["phone_number"], "code": data["code"], "request_id": data.get("request_id") or ""}


class EndView(ApiView):
    """Base of the two calls that log out."""

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, issuer = user_of(request), issuer_of(request)
        self.end(issuer, user)
        if not issuer.logs_in:
            user_logged_out.send(type(user), request=request._request, user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def end(self, issuer: BaseTokenIssuer, user: AbstractBaseUser) -> None:
        """End the token, or the session, that this request came with."""
        issuer.revoke(user)


class LogoutView(EndView):
    """End the token, or the session, that this request came with.

    Django REST framework's token is one for all devices, so it ends on all of them.
    """


class LogoutAllView(EndView):
    """End every token and session of the user."""

    def end(self, issuer: BaseTokenIssuer, user: AbstractBaseUser) -> None:
        end_all(user)
        if issuer.logs_in:
            issuer.revoke(user)


class SessionsView(ApiView):
    """List where the user is signed in, newest first. 404 where the site's kind of token does not know."""

    serializer_class = answer_serializer_class = SessionsSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer({"results": issuer_with_sessions(request).sessions(user_of(request))})


class EndSessionView(ApiView):
    """End one of the user's sessions."""

    def post(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        issuer = issuer_with_sessions(request)
        for session in issuer.sessions(user_of(request)):
            if session.id == pk:
                issuer.end_session(user_of(request), session)
                return Response(status=status.HTTP_204_NO_CONTENT)
        raise Http404


class EndOtherSessionsView(ApiView):
    """End all of the user's sessions but this one."""

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        issuer_with_sessions(request).revoke_others(user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def issuer_with_sessions(request: Request) -> BaseTokenIssuer:
    """Return the site's issuer, if it knows where a user is signed in."""
    issuer = get_issuer(request)
    if not issuer.lists_sessions:
        raise Http404
    return issuer


class MeView(ApiView):
    """Show the signed-in user."""

    serializer_class: type[serializers.BaseSerializer[Any]] = UserSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(request.user).data)


class GetChangeCodeView(ActionView):
    """Send a code to the phone that is to be one's own; the answer is the same whether or not it is somebody else's.

    Unless the sign-in is recent, the old phone is sent a code too.
    """

    serializer_class = GetVerifyCodeSerializer
    answer_serializer_class = ChangeRequestedSerializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        asked = {"phone_number": data["phone_number"], "issuer": issuer_of(self.request), **facts_of(self.request)}
        return self.answer(request_change(user_of(self.request), **asked))


class ChangePhoneView(ActionView):
    """Change one's phone. All other tokens end; where this one ends as well, the answer has another."""

    serializer_class = ChangePhoneSerializer
    answer_serializer_class = PhoneChangedSerializer
    throttle_classes = (AuthThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        changed = change_phone(
            user_of(self.request),
            phone_number=data["phone_number"],
            code=data["code"],
            current_code=data.get("current_code") or "",
            issuer=issuer_of(self.request),
            host=host_of(self.request),
        )
        self.request.user = changed.user
        return self.answer(changed)


class GetDeleteCodeView(ActionView):
    """Send a code to one's own phone, by which the account is deleted."""

    answer_serializer_class = CodeSentSerializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        return self.answer(request_deletion(user_of(self.request), **facts_of(self.request)))


class DeleteView(ActionView):
    """Delete one's own account."""

    serializer_class = CodeSerializer
    throttle_classes = (AuthThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        user, issuer = user_of(self.request), issuer_of(self.request)
        self.delete_account(user, data["code"])
        if issuer.logs_in:
            issuer.revoke(user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete_account(self, user: AbstractBaseUser, code: str) -> None:
        delete_account(user, code=code)
