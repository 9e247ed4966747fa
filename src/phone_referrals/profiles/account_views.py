"""What users do to their own accounts: another phone, or an end."""

from abc import ABC, abstractmethod
from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ApiView
from phone_referrals.profiles.change_phone import ChangeRequested, change_phone, request_change
from phone_referrals.profiles.delete_account import delete_account, request_deletion
from phone_referrals.profiles.serializers import UserSerializer
from phone_referrals.signin.facts import facts_of, host_of
from phone_referrals.signin.serializers import ChangePhoneSerializer, CodeSerializer, GetVerifyCodeSerializer
from phone_referrals.signin.views import represent_sent
from phone_referrals.throttling import AuthThrottle, GetVerifyCodeThrottle
from phone_referrals.tokens import get_issuer
from phone_referrals.tokens.session import came_by_session, end_this_session


class AccountView(ApiView, ABC):
    """Base of these: the body is of the view's serializer, and what is done with it is in `act`."""

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.act(serializer.validated_data)

    @abstractmethod
    def act(self, data: dict[str, Any]) -> Response:
        """Do it, with what the serializer has read, and return the answer."""

    def facts(self) -> dict[str, Any]:
        return facts_of(self.request, self.request.data)


class GetChangeCodeView(AccountView):
    """Send a code to the phone that is to be one's own; the answer is the same whether or not it is somebody else's.

    Unless the sign-in is recent, the old phone is sent a code too.
    """

    serializer_class = GetVerifyCodeSerializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        return Response(self.represent(request_change(self.request, phone_number=data["phone_number"], **self.facts())))

    def represent(self, requested: ChangeRequested) -> dict[str, Any]:
        answer = {**represent_sent(requested.sent), "current_code_required": requested.current_code_required}
        return {**answer, "current_code": requested.current_code} if requested.current_code else answer


class ChangePhoneView(AccountView):
    """Change one's phone. All other tokens end; where this one ends as well, the answer has another."""

    serializer_class = ChangePhoneSerializer
    throttle_classes = (AuthThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        changed = change_phone(
            self.request,
            phone_number=data["phone_number"],
            code=data["code"],
            current_code=data.get("current_code") or "",
            host=host_of(self.request),
        )
        user = UserSerializer(changed.user, context=self.get_serializer_context()).data
        return Response({"token": None, **changed.token, "token_type": get_issuer().token_type, "user": user})


class GetDeleteCodeView(AccountView):
    """Send a code to one's own phone, by which the account is deleted."""

    serializer_class = serializers.Serializer
    throttle_classes = (GetVerifyCodeThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        return Response(represent_sent(request_deletion(self.request.user, **self.facts())))


class DeleteView(AccountView):
    """Delete one's own account."""

    serializer_class = CodeSerializer
    throttle_classes = (AuthThrottle,)

    def act(self, data: dict[str, Any]) -> Response:
        delete_account(self.request.user, code=data["code"])
        if came_by_session(self.request):
            end_this_session(self.request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)
