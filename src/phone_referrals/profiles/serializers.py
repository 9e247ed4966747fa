"""What is shown of people. Other people's numbers are masked and their codes hidden, unless staff is reading."""

from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers

from phone_referrals import phones
from phone_referrals.accounts import PhoneAccounts, get_accounts
from phone_referrals.profiles import queries
from phone_referrals.referrals import codes
from phone_referrals.referrals.links import link_to
from phone_referrals.routing import address_of
from phone_referrals.tokens.session import came_by_session


class KeyField(serializers.ReadOnlyField):
    """A user's primary key, of whatever type the host's is."""


class UserSerializer(serializers.Serializer[Any]):
    """A user as the reader may see it. Needs the request in its context."""

    id = KeyField(source="pk")
    phone_number = serializers.SerializerMethodField()

    def get_phone_number(self, user: Any) -> str:
        phone_number = self.accounts.phone_of(user)
        return phone_number if self.may_see_all_of(user) else phones.mask(phone_number)

    @cached_property
    def accounts(self) -> PhoneAccounts:
        return get_accounts()  # Once for a list, and so is the reader.

    @cached_property
    def reader(self) -> Any:
        return self.context["request"].user

    @cached_property
    def reads_all(self) -> bool:
        # Staff by session only: a token opens other people's numbers to nobody.
        return getattr(self.reader, "is_staff", False) and came_by_session(self.context["request"])

    def may_see_all_of(self, user: Any) -> bool:
        return bool(self.reader.pk == user.pk or self.reads_all)


class InviteeSerializer(UserSerializer):
    """A referral, shown as the user who was invited and when."""

    id = KeyField(source="referred_id")
    created_at = serializers.DateTimeField(read_only=True)

    def get_phone_number(self, referral: Any) -> str:
        return super().get_phone_number(referral.referred)


class ProfileSerializer(UserSerializer):
    """A user of `queries.profiles()` with code, referrer and newest invitees."""

    referral_code = serializers.SerializerMethodField()
    referral_link = serializers.SerializerMethodField()
    referred_by = serializers.SerializerMethodField()
    invitees = serializers.SerializerMethodField()

    def get_referral_code(self, user: Any) -> str | None:
        if not self.may_see_all_of(user):
            return None
        if user.active_referral_code is None:
            user.active_referral_code = codes.code_of(user).code
        return str(user.active_referral_code)

    def get_referral_link(self, user: Any) -> str | None:
        code = self.get_referral_code(user)
        return link_to(self.context["request"], code) if code else None

    def get_referred_by(self, user: Any) -> dict[str, Any] | None:
        referral = getattr(user, "phone_referral", None)
        # Whoever is above the reader's own referrer is a stranger to the reader.
        if referral is None or referral.referrer is None or getattr(user, "network_level", 0) < 0:
            return None
        return dict(UserSerializer(referral.referrer, context=self.context).data)

    def get_invitees(self, user: Any) -> dict[str, Any] | None:
        if not queries.has_open_network(user):
            return None
        invitees = queries.invitees(user)
        request, cursor = self.context["request"], invitees.page.next_cursor
        return {
            "count": invitees.count,
            "capped": invitees.capped,
            "results": InviteeSerializer(invitees.page.rows, many=True, context=self.context).data,
            "next": request.build_absolute_uri(f"{self.path_of_invitees(user)}?cursor={cursor}") if cursor else None,
        }

    def path_of_invitees(self, user: Any) -> str:
        return address_of(self.context["request"], "phone_referrals:invitees", pk=user.pk)


class RedeemSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField(max_length=500, help_text="The code, or its invite link.")
