"""What the API's answers look like, for drf-spectacular (extra `openapi`); loaded where the host has that app."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from drf_spectacular import authentication
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme, TokenRefreshSerializerExtension
from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type, get_class
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers

from phone_referrals.api import KeyField
from phone_referrals.profiles.serializers import InviteesSerializer, ProfileSerializer
from phone_referrals.signin.serializers import UserSerializer


class Error(serializers.Serializer[Any]):
    """A refusal: `code` is for programs, `detail` for people, in the language that was asked for."""

    detail = serializers.CharField()
    code = serializers.CharField()
    guesses_left = serializers.IntegerField(required=False)


extend_schema_field(InviteesSerializer(allow_null=True))(ProfileSerializer.get_invitees)
extend_schema_field(UserSerializer(allow_null=True))(ProfileSerializer.get_referred_by)
extend_schema_field(OpenApiTypes.URI)(InviteesSerializer.get_next)

FIELD_ERRORS = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
INVALID = OpenApiResponse(
    {"anyOf": [{"$ref": "#/components/schemas/PhoneReferralsError"}, FIELD_ERRORS]},
    description="A refusal with its code, or the wrong fields with what is wrong with each.",
)
UNAUTHENTICATED = OpenApiResponse(Error, description="There is no valid token.")
FORBIDDEN = OpenApiResponse(Error, description="Not for this phone or user; see `code`.")
NOT_FOUND = OpenApiResponse(Error, description="There is no such user or session, or the kind of token knows of none.")
NOT_ACCEPTABLE = OpenApiResponse(Error, description="Not in a format that the Accept header names.")
CONFLICT = OpenApiResponse(Error, description="It clashes with what is there: see `code`.")
WRONG_TYPE = OpenApiResponse(Error, description="The body is neither JSON nor a form, or the request not UTF-8.")
TOO_MANY = OpenApiResponse(Error, description="Wait for as many seconds as the Retry-After header says.")
UNAVAILABLE = OpenApiResponse(Error, description="Not now; see `code`.")
REFUSALS = {
    400: INVALID,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    406: NOT_ACCEPTABLE,
    409: CONFLICT,
    415: WRONG_TYPE,
    429: TOO_MANY,
    503: UNAVAILABLE,
}
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From the `next` or `previous` of another page.")
RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, response=[429], description="Seconds."
)


def page_of(view: Any) -> Any:
    """Return the shape of a page of a list."""
    name = view.serializer_class.__name__.removesuffix("Serializer")
    links = {each: serializers.URLField(allow_null=True) for each in ("next", "previous")}
    return inline_serializer(f"PhoneReferrals{name}Page", {**links, "results": view.serializer_class(many=True)})


def describe(view: str, method: str, operation_id: str, *statuses: int) -> None:
    """Describe a view, and what a host makes of it by subclassing.

    The answers of a success are those of its answer's serializer, or of a list's pages; 204 has none.
    """

    class Described(OpenApiViewExtension):  # type: ignore[no-untyped-call]
        target_class = f"phone_referrals.{view}"
        match_subclasses = True

        def view_replacement(self) -> Any:
            # Now, and not when this was read: what a sign-in answers depends on a setting.
            known: dict[int, Any] = {status: REFUSALS.get(status) for status in (*statuses, 406, 415, 503)}
            is_list = method == "get" and 400 in statuses
            answer = getattr(self.target, "answer_serializer_class", None) or self.target.serializer_class
            for status in {200, 201}.intersection(statuses):
                known[status] = page_of(self.target) if is_list else answer
            parameters = [*([CURSOR] if is_list else []), *([RETRY_AFTER] if 429 in statuses else [])]
            # A name of a host's is not replaced by ours.
            options: dict[str, Any] = {
                "operation_id": f"phone_referrals_{operation_id}",
                "responses": known,
                "parameters": parameters,
            }
            if method == "post" and self.target.serializer_class is serializers.Serializer:
                options["request"] = None
            return extend_schema_view(**{method: extend_schema(**options)})(
                type(self.target.__name__, (self.target,), {})
            )


for described in (
    ("signin.views.GetVerifyCodeView", "post", "get_verify_code", 200, 400, 403, 429),
    ("signin.views.AuthView", "post", "sign_in", 200, 201, 400, 403, 429),
    ("signin.views.LogoutView", "post", "log_out", 204, 401, 403),
    ("signin.views.LogoutAllView", "post", "log_out_all", 204, 401, 403),
    ("signin.views.MeView", "get", "get_me", 200, 401),
    ("signin.views.GetChangeCodeView", "post", "get_change_phone_code", 200, 400, 401, 403, 429),
    ("signin.views.ChangePhoneView", "post", "change_phone", 200, 400, 401, 403, 409, 429),
    ("signin.views.GetDeleteCodeView", "post", "get_delete_account_code", 200, 400, 401, 403, 409, 429),
    ("signin.views.DeleteView", "post", "delete_account", 204, 400, 401, 403, 409, 429),
    ("signin.views.SessionsView", "get", "list_sessions", 200, 401, 404),
    ("signin.views.EndSessionView", "post", "end_session", 204, 401, 403, 404),
    ("signin.views.EndOtherSessionsView", "post", "end_other_sessions", 204, 401, 403, 404),
    ("profiles.views.UserListView", "get", "list_users", 200, 400, 401, 403, 429),
    ("profiles.views.UserDetailView", "get", "get_user", 200, 401, 403, 404, 429),
    ("profiles.views.InviteesView", "get", "list_invitees", 200, 400, 401, 403, 404, 429),
    ("referrals.views.ReferralsView", "get", "get_referrals", 200, 401),
    ("referrals.views.OwnInviteesView", "get", "list_own_invitees", 200, 400, 401),
    ("referrals.views.RedeemView", "post", "redeem_referral_code", 201, 400, 401, 403, 409, 429),
):
    describe(*described)


class OwnName(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Names our serializers, and no subclass of a host's, so that none of the host's components is replaced."""

    target_class = "phone_referrals"

    @classmethod
    def _matches(cls, target: Any) -> bool:
        kind = get_class(target)
        return issubclass(kind, serializers.Serializer) and kind.__module__.startswith("phone_referrals.")

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Any:
        return auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # type: ignore[no-untyped-call]

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        return f"PhoneReferrals{get_class(self.target).__name__.removesuffix('Serializer')}"


class KeyFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The type of the host's primary key."""

    target_class = KeyField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:
        key = get_user_model()._meta.pk
        if isinstance(key, models.UUIDField):
            return build_basic_type(OpenApiTypes.UUID)
        is_number = isinstance(key, models.IntegerField)
        return build_basic_type(OpenApiTypes.INT64 if is_number else OpenApiTypes.STR)


# Our own readers of tokens are described as what they are made of, by other names: a host may have both.


class TokenScheme(authentication.TokenScheme):  # type: ignore[no-untyped-call]
    target_class, name = "phone_referrals.tokens.drf.TokenAuthentication", "PhoneReferralsToken"
    priority = 0


class JWTScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    target_class, name = "phone_referrals.tokens.jwt.JWTAuthentication", "PhoneReferralsJWT"
    optional = True  # Where SimpleJWT is not installed, it says nothing.


class KnoxScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    # Without its app, knox cannot be imported.
    target_class: Any = "phone_referrals.tokens.knox.TokenAuthentication" if apps.is_installed("knox") else None
    name, optional = "PhoneReferralsKnoxToken", True


class TokenRefresh(TokenRefreshSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = "phone_referrals.tokens.jwt.TokenRefreshSerializer"
    optional, priority = True, 1  # Before `OwnName`: the view is SimpleJWT's, and so are the names.


class SessionScheme(authentication.SessionScheme):  # type: ignore[no-untyped-call]
    target_class, name = "phone_referrals.tokens.session.SessionAuthentication", "PhoneReferralsSession"
    priority = 0
