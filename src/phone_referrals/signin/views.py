"""Asking for a code, and signing out. Entering the code joins sign-in and referrals: see `profiles.views.AuthView`."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ApiView, OpenView
from phone_referrals.signin.facts import facts_of
from phone_referrals.signin.serializers import GetVerifyCodeSerializer, SessionSerializer
from phone_referrals.signin.verification import CodeSent, request_code
from phone_referrals.throttling import GetVerifyCodeThrottle
from phone_referrals.tokens import BaseTokenIssuer, get_issuer
from phone_referrals.tokens.session import came_by_session, end_this_session


class GetVerifyCodeView(OpenView):
    """Send a code to a phone. The answer is the same whether or not the phone has a user."""

    serializer_class = GetVerifyCodeSerializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(self.represent(self.send(serializer.validated_data)))

    def send(self, data: dict[str, Any]) -> CodeSent:
        return request_code(phone_number=data["phone_number"], **facts_of(self.request, self.request.data))

    def represent(self, sent: CodeSent) -> dict[str, Any]:
        return represent_sent(sent)


def represent_sent(sent: CodeSent) -> dict[str, Any]:
    """Return what a client is told of a code that was sent."""
    answer = {"phone_number": sent.phone_number, "expires_in": sent.expires_in, "resend_in": sent.resend_in}
    # Not of messages to signed-in users, which have no handle.
    return answer | {name: value for name in ("request_id", "code") if (value := getattr(sent, name))}


class LogoutView(ApiView):
    """End the token, or the session, that this request came with.

    Django REST framework's token is one for all devices, so it ends on all of them.
    """

    serializer_class = serializers.Serializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if came_by_session(request):
            end_this_session(request._request)
        else:
            get_issuer().revoke(request)
            user_logged_out.send(type(request.user), request=request._request, user=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutAllView(ApiView):
    """End every token of the user, and the session, if this request came with one."""

    serializer_class = serializers.Serializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = request.user
        get_issuer().revoke_all(user)
        if came_by_session(request):
            end_this_session(request._request)
        else:
            user_logged_out.send(type(user), request=request._request, user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(ApiView):
    """List where the user is signed in, newest first. 404 where the site's kind of token does not know."""

    serializer_class = SessionSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sessions = issuer_with_sessions().sessions(request)
        return Response({"results": self.get_serializer(sessions, many=True).data})


class EndSessionView(ApiView):
    """End one of the user's sessions."""

    serializer_class = serializers.Serializer

    def post(self, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        issuer = issuer_with_sessions()
        for session in issuer.sessions(request):
            if session.id == pk:
                issuer.end_session(request, session)
                return Response(status=status.HTTP_204_NO_CONTENT)
        raise Http404


class EndOtherSessionsView(ApiView):
    """End all of the user's sessions but this one."""

    serializer_class = serializers.Serializer

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        issuer_with_sessions().revoke_others(request)
        return Response(status=status.HTTP_204_NO_CONTENT)


def issuer_with_sessions() -> BaseTokenIssuer:
    """Return the site's issuer, if it knows where a user is signed in."""
    issuer = get_issuer()
    if not issuer.lists_sessions:
        raise Http404
    return issuer
