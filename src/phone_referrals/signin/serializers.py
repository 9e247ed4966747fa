"""The shape of what clients send to sign in. Whether it is right is for `verification.py` to say."""

from datetime import UTC
from typing import Any

from rest_framework import serializers

from phone_referrals import phones
from phone_referrals.conf import conf
from phone_referrals.signin import codes


class PhoneNumberField(serializers.CharField):
    """Reads a phone number in any spelling as E.164 text.

    Not django-phonenumber-field's own field, which freezes the default region when it is defined.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return phones.parse(super().run_validation(data))


class CodeField(serializers.CharField):
    """Reads the digits of a code as a person may write them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        typed = super().run_validation(data)
        # None where it may be left out.
        return None if typed is None else codes.read(typed, digits=conf.code_digits)


class RequestIdField(serializers.CharField):
    """Reads the handle of a message. Anything else is as good as none, and no reason to refuse a code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "allow_null": True, "max_length": 64, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> str:
        return data if isinstance(data, str) and len(data) <= (self.max_length or 0) else ""


class GetVerifyCodeSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField()


class AuthSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField()
    code = CodeField()
    request_id = RequestIdField(help_text="From the answer to the request for the code: five guesses of one's own.")
    referral_code = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=500, help_text="The code, or its invite link."
    )


class ChangePhoneSerializer(serializers.Serializer[Any]):
    phone_number = PhoneNumberField()
    code = CodeField(help_text="Sent to the new phone.")
    current_code = CodeField(required=False, allow_null=True, help_text="Sent to the old phone, where it is required.")


class CodeSerializer(serializers.Serializer[Any]):
    code = CodeField()


class SessionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    created_at = serializers.DateTimeField(default_timezone=UTC)
    expires_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True)
    user_agent = serializers.CharField()
    is_current = serializers.BooleanField()
