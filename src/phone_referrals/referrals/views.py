"""The calls of referrals: one's own code and people, and entering somebody else's code."""

from typing import Any

from django.db import router
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ActionView, ApiView
from phone_referrals.referrals import codes, tree
from phone_referrals.referrals.invitees import invitees_page, referral_of
from phone_referrals.referrals.links import link_to
from phone_referrals.referrals.models import Referral
from phone_referrals.referrals.redeem import redeem
from phone_referrals.referrals.serializers import InvitedPersonSerializer, RedeemSerializer, ReferralsSerializer
from phone_referrals.throttling import RedeemAddressThrottle, RedeemUserThrottle


class OwnReferrals(ApiView):
    """Base of the views that answer with one's own code and link, and how many people it brought, level by level."""

    answer_serializer_class: type[serializers.BaseSerializer[Any]] = ReferralsSerializer

    def answer_referrals(self, status: int = status.HTTP_200_OK) -> Response:
        user: Any = self.request.user
        alias = router.db_for_write(Referral)
        code = codes.code_of(user).code
        levels, capped = tree.levels_below(user.pk, using=alias)
        mine = referral_of(user)
        answer = {
            "referral_code": code,
            "referral_link": link_to(self.request, code),
            "referred_by": mine and mine.referrer,
            "has_redeemed": mine is not None,
            "levels": [{"level": level, "count": count} for level, count in enumerate(levels, start=1)],
            "capped": capped,
        }
        return self.answer(answer, status)


class ReferralsView(OwnReferrals):
    """Show one's own code and link, and how many people it brought, level by level."""

    serializer_class = ReferralsSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer_referrals()


class OwnInviteesView(ApiView):
    """List one's invitees, newest first."""

    serializer_class = InvitedPersonSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        return self.answer_page(invitees_page(user, request.query_params.get("cursor", "")))


class RedeemView(OwnReferrals, ActionView):
    """Enter somebody's referral code, once."""

    serializer_class = RedeemSerializer
    throttle_classes = (RedeemUserThrottle, RedeemAddressThrottle)

    def act(self, data: dict[str, Any]) -> Response:
        user: Any = self.request.user
        redeem(user, data["referral_code"])
        return self.answer_redeemed()

    def answer_redeemed(self) -> Response:
        return self.answer_referrals(status.HTTP_201_CREATED)
