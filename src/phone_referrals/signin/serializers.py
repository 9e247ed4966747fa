"""The shapes of requests and answers of sign-in."""

from copy import deepcopy
from datetime import UTC
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework import serializers

from phone_referrals import phones
from phone_referrals.accounts import get_accounts
from phone_referrals.api import KeyField
from phone_referrals.signin import codes
from phone_referrals.tokens import came_by_session, get_issuer

MAX_REQUEST_ID = 64  # Twice as long as one is.


class PhoneNumberField(serializers.CharField):
    """Reads a phone number in any spelling as E.164 text.

    Not django-phonenumber-field's own field, which freezes the default region when it is defined.
    """

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return phones.parse(super().run_validation(data))


class CodeField(serializers.CharField):
    """Reads the digits of a code as a person may write them."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        typed = super().run_validation(data)
        # None where it may be left out.
        return None if typed is None else codes.read(typed)


class RequestIdField(serializers.CharField):
    """Reads the handle of a message. A wrong one counts as none: it is no reason to refuse a code."""

    def run_validation(self, data: Any = serializers.empty) -> str:
        return data if isinstance(data, str) and len(data) <= MAX_REQUEST_ID else ""


class GetVerifyCodeSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField(max_length=64)


class AuthSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField(max_length=64)
    code = CodeField(max_length=64)
    request_id = RequestIdField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_REQUEST_ID,
        help_text="From the answer to the request for the code: five guesses of one's own.",
    )


class ChangePhoneSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField(max_length=64)
    code = CodeField(max_length=64, help_text="Sent to the new phone.")
    current_code = CodeField(
        required=False, allow_null=True, max_length=64, help_text="Sent to the old phone, where it is required."
    )


class CodeSerializer(serializers.Serializer[Any]):
    code = CodeField(max_length=64)


# Answers


class UserSerializer(serializers.Serializer[Any]):
    """A user as the reader may see it: masked, unless it is the reader, or staff is reading. Needs the request."""

    id = KeyField(source="pk")
    phone_number = serializers.SerializerMethodField()

    def get_phone_number(self, user: Any) -> str:
        phone_number = get_accounts().phone_of(user)
        return phone_number if self.may_see_all_of(user) else phones.mask(phone_number)

    def may_see_all_of(self, user: AbstractBaseUser) -> bool:
        request = self.context["request"]
        # Staff by session only: a token shows other people's numbers to nobody.
        is_staff = getattr(request.user, "is_staff", False) and came_by_session(request)
        return bool(is_staff or request.user.pk == user.pk)


class CodeSentSerializer(serializers.Serializer[Any]):
    phone_number = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    resend_in = serializers.IntegerField(help_text="Seconds.")
    request_id = serializers.CharField(
        required=False, help_text="To be sent back with the code. Not where a token or session says whose code it is."
    )
    code = serializers.CharField(required=False, help_text="Only where the site echoes codes for development.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {name: value for name, value in super().to_representation(instance).items() if value != ""}


class ChangeRequestedSerializer(CodeSentSerializer):
    current_code_required = serializers.BooleanField(help_text="The old phone was sent a code too; both are needed.")
    current_code = serializers.CharField(required=False, help_text="Only where the site echoes codes.")


class TokenSerializer(serializers.Serializer[Any]):
    """Base of the answers that bring a token: the fields are those of the site's kind."""

    token_type = serializers.SerializerMethodField(help_text="The word before the token in the Authorization header.")

    def get_fields(self) -> dict[str, Any]:
        return {**deepcopy(get_issuer().answer_fields), **super().get_fields()}

    def to_representation(self, instance: Any) -> dict[str, Any]:
        # The issuer has the word: a host's may return more than it describes, or less.
        for name in get_issuer().answer_fields:
            self.fields.pop(name, None)
        return {**instance.token, **super().to_representation(instance)}

    def get_token_type(self, _answer: Any) -> str:
        return get_issuer().token_type


class SignedInSerializer(TokenSerializer):
    created = serializers.BooleanField()
    user = UserSerializer()


class PhoneChangedSerializer(TokenSerializer):
    token = serializers.CharField(allow_null=True, help_text="Null: the one of the request lives on.")
    user = UserSerializer()

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in {*get_issuer().answer_fields} - {"token"}:
            fields[name].required = fields[name].allow_null = False
        return fields

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {"token": None, **super().to_representation(instance)}


class SessionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    created_at = serializers.DateTimeField(default_timezone=UTC)
    expires_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True)
    user_agent = serializers.CharField()
    is_current = serializers.BooleanField()


class SessionsSerializer(serializers.Serializer[Any]):
    results = SessionSerializer(many=True)
