from typing import Any

from django.db import router
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from phone_referrals.api import ApiView
from phone_referrals.models import Referral
from phone_referrals.referrals import codes, tree
from phone_referrals.referrals.links import link_to


class ReferralsView(ApiView):
    """Show one's own code and link, and how many people it brought, level by level."""

    serializer_class = serializers.Serializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        code = codes.code_of(request.user).code
        levels, capped = tree.levels_below(request.user.pk, using=router.db_for_read(Referral))
        return Response(
            {
                "referral_code": code,
                "referral_link": link_to(request, code),
                "levels": [{"level": level, "count": count} for level, count in enumerate(levels, start=1)],
                "capped": capped,
            }
        )
