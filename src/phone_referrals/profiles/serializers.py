"""The shapes of requests and answers of a site with both halves. Only staff sees other people's codes."""

from typing import Any

from rest_framework import serializers

from phone_referrals.api import KeyField
from phone_referrals.profiles.queries import has_open_network
from phone_referrals.referrals import codes
from phone_referrals.referrals.invitees import invitees
from phone_referrals.referrals.links import link_to
from phone_referrals.routing import address_of
from phone_referrals.signin.serializers import AuthSerializer as SignInSerializer
from phone_referrals.signin.serializers import SignedInSerializer as SignInAnswerSerializer
from phone_referrals.signin.serializers import UserSerializer


class AuthSerializer(SignInSerializer):
    referral_code = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=500, help_text="The code, or its invite link."
    )


class ReferralOutcomeSerializer(serializers.Serializer[Any]):
    redeemed = serializers.BooleanField()
    code = serializers.CharField(allow_null=True, help_text="Why not.")
    detail = serializers.CharField(allow_null=True)


class SignedInSerializer(SignInAnswerSerializer):
    referral = ReferralOutcomeSerializer(allow_null=True, help_text="Null where no referral code was entered.")


class InviteeSerializer(UserSerializer):
    """A referral, shown as the user who was invited and when."""

    id = KeyField(source="referred_id")
    created_at = serializers.DateTimeField(read_only=True)

    def get_phone_number(self, referral: Any) -> str:
        return super().get_phone_number(referral.referred)


class InviteesSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    capped = serializers.BooleanField(help_text="There are more than `count`.")
    results = InviteeSerializer(many=True, source="page.rows")
    next = serializers.SerializerMethodField()

    def get_next(self, shown: Any) -> str | None:
        request, cursor = self.context["request"], shown.page.next_cursor
        address = address_of(request, "phone_referrals:invitees", pk=shown.user.pk) if cursor else ""
        return request.build_absolute_uri(f"{address}?cursor={cursor}") if cursor else None


class ProfileSerializer(UserSerializer):
    """A user of `queries.profiles()` with code, referrer and newest invitees."""

    referral_code = serializers.SerializerMethodField()
    referral_link = serializers.SerializerMethodField()
    referred_by = serializers.SerializerMethodField()
    invitees = serializers.SerializerMethodField()

    def get_referral_code(self, user: Any) -> str | None:
        if not self.may_see_all_of(user):
            return None
        if not hasattr(user, "own_referral_code"):
            # Not in place of the relation, which a router may forbid for a user who was read from a replica.
            user.own_referral_code = getattr(user, "active_phone_referral_code", None) or codes.code_of(user)
        return str(user.own_referral_code)

    def get_referral_link(self, user: Any) -> str | None:
        code = self.get_referral_code(user)
        return link_to(self.context["request"], code) if code else None

    def get_referred_by(self, user: Any) -> dict[str, Any] | None:
        referral = getattr(user, "phone_referral", None)
        # The person above the reader's own referrer is a stranger to the reader.
        if referral is None or referral.referrer is None or getattr(user, "network_level", 0) < 0:
            return None
        return dict(UserSerializer(referral.referrer, context=self.context).data)

    def get_invitees(self, user: Any) -> dict[str, Any] | None:
        if not has_open_network(user):
            return None
        return dict(InviteesSerializer(invitees(user), context=self.context).data)
