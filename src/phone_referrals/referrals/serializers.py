"""The shapes of requests and answers of the referral API."""

from typing import Any

from rest_framework import serializers

from phone_referrals.accounts import get_accounts
from phone_referrals.api import KeyField


class RedeemSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField(max_length=500, help_text="The code, or its invite link.")


class PersonSerializer(serializers.Serializer[Any]):
    """Somebody else, as `PhoneAccounts.display_name` shows people."""

    id = KeyField(source="pk")
    name = serializers.SerializerMethodField()

    def get_name(self, user: Any) -> str:
        return get_accounts().display_name(user)


class InvitedPersonSerializer(serializers.Serializer[Any]):
    """A referral, shown as the user who was invited and when."""

    user = PersonSerializer(source="referred")
    created_at = serializers.DateTimeField(read_only=True)


class LevelSerializer(serializers.Serializer[Any]):
    level = serializers.IntegerField()
    count = serializers.IntegerField()


class ReferralsSerializer(serializers.Serializer[Any]):
    """One's own place in the programme."""

    referral_code = serializers.CharField()
    referral_link = serializers.URLField()
    referred_by = PersonSerializer(allow_null=True, help_text="Null: nobody, or somebody who is no longer here.")
    has_redeemed = serializers.BooleanField(help_text="A code is entered once.")
    levels = LevelSerializer(many=True)
    capped = serializers.BooleanField(help_text="There are more people than the levels count.")
