"""What the API's answers look like, for drf-spectacular (extra `openapi`); loaded where the host has that app."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from drf_spectacular.extensions import OpenApiSerializerFieldExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers

from phone_referrals.profiles.serializers import InviteeSerializer, KeyField, ProfileSerializer, UserSerializer

Answers = dict[int, Any]


class Error(serializers.Serializer[Any]):
    """A refusal: `code` is for programs, `detail` for people, in the language that was asked for."""

    detail = serializers.CharField()
    code = serializers.CharField()
    guesses_left = serializers.IntegerField(required=False)


class CodeSent(serializers.Serializer[Any]):
    phone_number = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    resend_in = serializers.IntegerField(help_text="Seconds.")
    code = serializers.CharField(required=False, help_text="Only where the site echoes codes for development.")


class ReferralOutcome(serializers.Serializer[Any]):
    redeemed = serializers.BooleanField()
    code = serializers.CharField(allow_null=True, help_text="Why not.")
    detail = serializers.CharField(allow_null=True)


class SignedIn(serializers.Serializer[Any]):
    token = serializers.CharField()
    token_type = serializers.CharField(help_text="The word before the token in the Authorization header.")
    created = serializers.BooleanField()
    user = UserSerializer()
    referral = ReferralOutcome(allow_null=True, help_text="Null where no referral code was entered.")


class UserPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = UserSerializer(many=True)


class InviteePage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = InviteeSerializer(many=True)


class Invitees(InviteePage):
    count = serializers.IntegerField()
    capped = serializers.BooleanField(help_text="There are more than `count`.")


class Level(serializers.Serializer[Any]):
    level = serializers.IntegerField()
    count = serializers.IntegerField()


class Referrals(serializers.Serializer[Any]):
    referral_code = serializers.CharField()
    referral_link = serializers.URLField()
    levels = Level(many=True)
    capped = serializers.BooleanField(help_text="There are more people than the levels count.")


extend_schema_field(Invitees)(ProfileSerializer.get_invitees)
extend_schema_field(UserSerializer(allow_null=True))(ProfileSerializer.get_referred_by)

FIELD_ERRORS = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
INVALID = OpenApiResponse(
    {"anyOf": [{"$ref": "#/components/schemas/Error"}, FIELD_ERRORS]},
    description="A refusal with its code, or the wrong fields with what is wrong with each.",
)
UNAUTHENTICATED = OpenApiResponse(Error, description="There is no valid token.")
FORBIDDEN = OpenApiResponse(Error, description="Not for this phone or user; see `code`.")
NOT_FOUND = OpenApiResponse(Error, description="There is no such user.")
NOT_ACCEPTABLE = OpenApiResponse(Error, description="Not in a format that the Accept header names.")
CONFLICT = OpenApiResponse(Error, description="Already redeemed, or circular; see `code`.")
WRONG_TYPE = OpenApiResponse(Error, description="The body is neither JSON nor a form.")
TOO_MANY = OpenApiResponse(Error, description="Wait for as many seconds as the Retry-After header says.")
UNAVAILABLE = OpenApiResponse(Error, description="No message can be sent now; see `code`.")
BODY: Answers = {400: INVALID, 403: FORBIDDEN, 415: WRONG_TYPE, 429: TOO_MANY}
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From the `next` of the page before.")
RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, response=[429], description="Seconds."
)


def describe(view: str, method: str, operation_id: str, responses: Answers, **options: Any) -> None:
    """Describe a view, and what a host makes of it by subclassing."""
    parameters = [*options.pop("parameters", ()), *([RETRY_AFTER] if 429 in responses else ())]
    responses = {**responses, 406: NOT_ACCEPTABLE}
    operation = extend_schema(operation_id=operation_id, responses=responses, parameters=parameters, **options)

    class Described(OpenApiViewExtension):  # type: ignore[no-untyped-call]
        target_class = f"phone_referrals.{view}"
        match_subclasses = True

        def view_replacement(self) -> Any:
            return extend_schema_view(**{method: operation})(type(self.target.__name__, (self.target,), {}))


describe("signin.views.GetVerifyCodeView", "post", "get_verify_code", {200: CodeSent, **BODY, 503: UNAVAILABLE})
describe("profiles.views.AuthView", "post", "sign_in", {200: SignedIn, 201: SignedIn, **BODY})
for view, operation_id in {"LogoutView": "log_out", "LogoutAllView": "log_out_all"}.items():
    responses: Answers = {204: None, 401: UNAUTHENTICATED, 403: FORBIDDEN}
    describe(f"signin.views.{view}", "post", operation_id, responses, request=None)
describe(
    "profiles.views.UserListView",
    "get",
    "list_users",
    {200: UserPage, 400: INVALID, 401: UNAUTHENTICATED, 403: FORBIDDEN},
    parameters=[CURSOR],
)
describe("profiles.views.MeView", "get", "get_me", {200: ProfileSerializer, 401: UNAUTHENTICATED})
describe(
    "profiles.views.UserDetailView",
    "get",
    "get_user",
    {200: ProfileSerializer, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NOT_FOUND},
)
describe(
    "profiles.views.InviteesView",
    "get",
    "list_invitees",
    {200: InviteePage, 400: INVALID, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NOT_FOUND},
    parameters=[CURSOR],
)
describe(
    "profiles.views.RedeemView",
    "post",
    "redeem_referral_code",
    {201: ProfileSerializer, **BODY, 401: UNAUTHENTICATED, 409: CONFLICT},
)
describe("referrals.views.ReferralsView", "get", "get_referrals", {200: Referrals, 401: UNAUTHENTICATED})


class KeyFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The type of the host's primary key."""

    target_class = KeyField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:
        key = get_user_model()._meta.pk
        if isinstance(key, models.UUIDField):
            return build_basic_type(OpenApiTypes.UUID)
        is_number = isinstance(key, models.IntegerField)
        return build_basic_type(OpenApiTypes.INT64 if is_number else OpenApiTypes.STR)
