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

from phone_referrals.profiles.serializers import InviteeSerializer, KeyField, ProfileSerializer, UserSerializer
from phone_referrals.signin.serializers import SessionSerializer
from phone_referrals.tokens import get_issuer

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
    request_id = serializers.CharField(
        required=False, help_text="To be sent back with the code. Not where a token or session says whose code it is."
    )
    code = serializers.CharField(required=False, help_text="Only where the site echoes codes for development.")


class ReferralOutcome(serializers.Serializer[Any]):
    redeemed = serializers.BooleanField()
    code = serializers.CharField(allow_null=True, help_text="Why not.")
    detail = serializers.CharField(allow_null=True)


def signed_in() -> Any:
    """Return the answer to a sign-in, as the site's kind of token has it."""
    fields = {
        **get_issuer().answer_fields,
        "token_type": serializers.CharField(help_text="The word before the token in the Authorization header."),
        "created": serializers.BooleanField(),
        "user": UserSerializer(),
        "referral": ReferralOutcome(allow_null=True, help_text="Null where no referral code was entered."),
    }
    return inline_serializer("PhoneReferralsSignedIn", fields)


def phone_changed() -> Any:
    """Return the answer to a change of phone, as the site's kind of token has it."""
    more = {name: type(field)(required=False) for name, field in get_issuer().answer_fields.items()}
    fields = {
        **more,
        "token": serializers.CharField(allow_null=True, help_text="Null: the one of the request lives on."),
        "token_type": serializers.CharField(),
        "user": UserSerializer(),
    }
    return inline_serializer("PhoneReferralsPhoneChanged", fields)


class ChangeRequested(CodeSent):
    current_code_required = serializers.BooleanField(help_text="The old phone was sent a code too; both are needed.")
    current_code = serializers.CharField(required=False, help_text="Only where the site echoes codes.")


class Sessions(serializers.Serializer[Any]):
    results = SessionSerializer(many=True)


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


extend_schema_field(Invitees(allow_null=True))(ProfileSerializer.get_invitees)
extend_schema_field(UserSerializer(allow_null=True))(ProfileSerializer.get_referred_by)

FIELD_ERRORS = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
INVALID = OpenApiResponse(
    {"anyOf": [{"$ref": "#/components/schemas/PhoneReferralsError"}, FIELD_ERRORS]},
    description="A refusal with its code, or the wrong fields with what is wrong with each.",
)
UNAUTHENTICATED = OpenApiResponse(Error, description="There is no valid token.")
FORBIDDEN = OpenApiResponse(Error, description="Not for this phone or user; see `code`.")
NOT_FOUND = OpenApiResponse(Error, description="There is no such user.")
NO_SESSIONS = OpenApiResponse(Error, description="There is no such session, or the kind of token knows of none.")
NOT_ACCEPTABLE = OpenApiResponse(Error, description="Not in a format that the Accept header names.")
CONFLICT = OpenApiResponse(Error, description="It clashes with what is there: see `code`.")
WRONG_TYPE = OpenApiResponse(Error, description="The body is neither JSON nor a form, or the request not UTF-8.")
TOO_MANY = OpenApiResponse(Error, description="Wait for as many seconds as the Retry-After header says.")
UNAVAILABLE = OpenApiResponse(Error, description="Not now; see `code`.")
BODY: Answers = {400: INVALID, 403: FORBIDDEN, 429: TOO_MANY}
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From the `next` of the page before.")
RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, response=[429], description="Seconds."
)


def describe(view: str, method: str, operation_id: str, responses: Answers, **options: Any) -> None:
    """Describe a view, and what a host makes of it by subclassing."""
    parameters = [*options.pop("parameters", ()), *([RETRY_AFTER] if 429 in responses else ())]
    responses = {**responses, 406: NOT_ACCEPTABLE, 415: WRONG_TYPE, 503: UNAVAILABLE}

    class Described(OpenApiViewExtension):  # type: ignore[no-untyped-call]
        target_class = f"phone_referrals.{view}"
        match_subclasses = True

        def view_replacement(self) -> Any:
            # Now, and not when this was read: what a sign-in answers depends on a setting.
            made = {answer: answer() for answer in (signed_in, phone_changed) if answer in responses.values()}
            known = {status: made.get(answer, answer) for status, answer in responses.items()}
            # A name of a host's is not replaced by ours.
            name = f"phone_referrals_{operation_id}"
            operation = extend_schema(operation_id=name, responses=known, parameters=parameters, **options)
            return extend_schema_view(**{method: operation})(type(self.target.__name__, (self.target,), {}))


describe("signin.views.GetVerifyCodeView", "post", "get_verify_code", {200: CodeSent, **BODY})
describe("profiles.views.AuthView", "post", "sign_in", {200: signed_in, 201: signed_in, **BODY})
for view, operation_id in {"LogoutView": "log_out", "LogoutAllView": "log_out_all"}.items():
    responses: Answers = {204: None, 401: UNAUTHENTICATED, 403: FORBIDDEN}
    describe(f"signin.views.{view}", "post", operation_id, responses, request=None)
OWN: Answers = {**BODY, 401: UNAUTHENTICATED}
describe(
    "profiles.account_views.GetChangeCodeView",
    "post",
    "get_change_phone_code",
    {200: ChangeRequested, **OWN},
)
describe("profiles.account_views.ChangePhoneView", "post", "change_phone", {200: phone_changed, **OWN, 409: CONFLICT})
describe(
    "profiles.account_views.GetDeleteCodeView",
    "post",
    "get_delete_account_code",
    {200: CodeSent, **OWN, 409: CONFLICT},
    request=None,
)
describe("profiles.account_views.DeleteView", "post", "delete_account", {204: None, **OWN, 409: CONFLICT})
describe("signin.views.SessionsView", "get", "list_sessions", {200: Sessions, 401: UNAUTHENTICATED, 404: NO_SESSIONS})
for view, operation_id in {"EndSessionView": "end_session", "EndOtherSessionsView": "end_other_sessions"}.items():
    responses = {204: None, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NO_SESSIONS}
    describe(f"signin.views.{view}", "post", operation_id, responses, request=None)
describe(
    "profiles.views.UserListView",
    "get",
    "list_users",
    {200: UserPage, 400: INVALID, 401: UNAUTHENTICATED, 403: FORBIDDEN, 429: TOO_MANY},
    parameters=[CURSOR],
)
describe("profiles.views.MeView", "get", "get_me", {200: ProfileSerializer, 401: UNAUTHENTICATED})
describe(
    "profiles.views.UserDetailView",
    "get",
    "get_user",
    {200: ProfileSerializer, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NOT_FOUND, 429: TOO_MANY},
)
describe(
    "profiles.views.InviteesView",
    "get",
    "list_invitees",
    {200: InviteePage, 400: INVALID, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NOT_FOUND, 429: TOO_MANY},
    parameters=[CURSOR],
)
describe(
    "profiles.views.RedeemView",
    "post",
    "redeem_referral_code",
    {201: ProfileSerializer, **BODY, 401: UNAUTHENTICATED, 409: CONFLICT},
)
describe("referrals.views.ReferralsView", "get", "get_referrals", {200: Referrals, 401: UNAUTHENTICATED})


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
