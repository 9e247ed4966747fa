"""The description of the API for drf-spectacular (extra `openapi`); loaded if the host has that app."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from drf_spectacular import authentication, extensions
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme, TokenRefreshSerializerExtension
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
extend_schema_field(serializers.URLField(allow_null=True))(InviteesSerializer.get_next)

# 400 may be about fields, too.
REFUSALS: dict[int, tuple[Any, str]] = {
    400: (
        {
            "anyOf": [
                {"$ref": "#/components/schemas/PhoneReferralsError"},
                {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            ]
        },
        "A refusal with its code, or the wrong fields with what is wrong with each.",
    ),
    401: (Error, "There is no valid token."),
    403: (Error, "Not for this phone or user; see `code`."),
    404: (Error, "There is no such user or session, or the kind of token knows of none."),
    406: (Error, "Not in a format that the Accept header names."),
    409: (Error, "It clashes with what is there: see `code`."),
    415: (Error, "The body is neither JSON nor a form, or the request not UTF-8."),
    429: (Error, "Wait for as many seconds as the Retry-After header says."),
    503: (Error, "Not now; see `code`."),
}
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From the `next` or `previous` of another page.")
RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, response=[429], description="Seconds."
)


def page_of(row: type[serializers.Serializer[Any]]) -> Any:
    """Return the serializer of a page of a list."""
    links = {each: serializers.URLField(allow_null=True) for each in ("next", "previous")}
    name = f"PhoneReferrals{row.__name__.removesuffix('Serializer')}Page"
    return inline_serializer(name, {**links, "results": row(many=True)})


def describe(view: str, method: str, operation_id: str, *statuses: int) -> None:
    """Describe a view, and the host's subclasses of it.

    A success has the view's answer serializer, or a page of a list; 204 has no body.
    """

    class Described(extensions.OpenApiViewExtension):  # type: ignore[no-untyped-call]
        target_class = f"phone_referrals.{view}"
        match_subclasses = True

        def view_replacement(self) -> Any:
            # Asked late: the answer to a sign-in depends on a setting.
            kind, is_list = self.target.serializer_class, method == "get" and 400 in statuses
            answer = page_of(kind) if is_list else getattr(self.target, "answer_serializer_class", kind)
            refusals = {status: REFUSALS[status] for status in (*statuses, 406, 415, 503) if status in REFUSALS}
            options: dict[str, Any] = {
                "operation_id": f"phone_referrals_{operation_id}",
                "parameters": [CURSOR] * is_list + [RETRY_AFTER] * (429 in statuses),
                "responses": {
                    **{status: None if status == 204 else answer for status in statuses if status < 300},
                    **{status: OpenApiResponse(*refusal) for status, refusal in refusals.items()},
                },
            }
            if method == "post" and kind is serializers.Serializer:
                options["request"] = None
            # A subclass is described, not the host's view itself.
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
    ("referrals.views.ReferralsView", "get", "get_referrals", 200, 401, 403),
    ("referrals.views.OwnInviteesView", "get", "list_own_invitees", 200, 400, 401, 403),
    ("referrals.views.RedeemView", "post", "redeem_referral_code", 201, 400, 401, 403, 409, 429),
):
    describe(*described)


class OwnName(extensions.OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
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


class KeyFieldSchema(extensions.OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The type of the host's primary key."""

    target_class = KeyField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:
        key = get_user_model()._meta.pk
        if isinstance(key, models.IntegerField):
            return build_basic_type(OpenApiTypes.INT64)  # Spectacular has no format for it: clients would take 32 bits.
        return build_basic_type(OpenApiTypes.UUID if isinstance(key, models.UUIDField) else OpenApiTypes.STR)


class TokenRefresh(TokenRefreshSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = "phone_referrals.tokens.jwt.TokenRefreshSerializer"
    optional, priority = True, 1  # Before `OwnName`: the view is SimpleJWT's, and so are the names.


# Our authentication classes are described as their bases are, under other names: a host may have both.
KNOX = [(KnoxTokenScheme, "knox.TokenAuthentication", "PhoneReferralsKnoxToken")]
for scheme, target, name in (
    (authentication.TokenScheme, "drf.TokenAuthentication", "PhoneReferralsToken"),
    (authentication.SessionScheme, "session.SessionAuthentication", "PhoneReferralsSession"),
    (SimpleJWTScheme, "jwt.JWTAuthentication", "PhoneReferralsJWT"),
    *(KNOX if apps.is_installed("knox") else []),  # Otherwise it cannot be imported.
):
    # `optional`: the packages of the tokens need not be installed. Subclassing registers the scheme.
    options = {"target_class": f"phone_referrals.tokens.{target}", "name": name, "optional": True, "priority": 0}
    type(scheme.__name__, (scheme,), options)
