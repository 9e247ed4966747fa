"""One's own page: the code to share, who invited me, whom I invited."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import AccessMixin
from django.db import router
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from phone_referrals import phones
from phone_referrals.accounts import get_accounts, masked_phone_of
from phone_referrals.exceptions import InvalidCursor
from phone_referrals.models import Referral
from phone_referrals.pages import qr
from phone_referrals.pages.forms import RedeemForm
from phone_referrals.pages.page import FormPage, Page, SeeOther
from phone_referrals.profiles import network, queries
from phone_referrals.referrals import codes, invites
from phone_referrals.referrals.links import link_to
from phone_referrals.referrals.redeem import redeem
from phone_referrals.throttling import RedeemAddressThrottle, RedeemUserThrottle
from phone_referrals.tokens.session import find_again


class SignedInPage(AccessMixin, Page):
    """Base of the pages of who is signed in; others are led to the sign-in and back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        find_again(request)
        return super().dispatch(request, *args, **kwargs)

    def get_login_url(self) -> str:
        return self.to("sign_in")


class ProfileView(SignedInPage, FormPage):
    """Show the profile; enter somebody's referral code."""

    template_name = "phone_referrals/profile.html"
    heading = gettext_lazy("Your profile")
    form_class = RedeemForm
    field = "referral_code"

    def get_initial(self) -> dict[str, Any]:
        # Whoever was a user already when following an invite link finds its code here, and may enter it.
        return {"referral_code": invites.likely(invites.codes_in(self.request))}

    def proceed(self, data: Mapping[str, Any]) -> HttpResponse:
        self.throttle(RedeemUserThrottle, RedeemAddressThrottle)
        redeem(self.request.user, data["referral_code"])
        messages.success(self.request, _("The referral code has been accepted."), fail_silently=True)
        response = SeeOther(self.to("profile"))
        invites.forget(response)
        return response

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        # Not from a replica, which may not know yet of what this visitor has just done.
        users = queries.profiles().using(router.db_for_write(Referral))
        user = get_object_or_404(users, pk=self.request.user.pk)
        referral = getattr(user, "phone_referral", None)
        code = user.active_referral_code or codes.code_of(user).code
        link = link_to(self.request, code)
        invitees = queries.invitees(user)
        context = super().get_context_data(
            phone_number=phones.spaced(get_accounts().phone_of(user)),
            referral_code=code,
            referral_link=link,
            qr=qr.draw(link),
            referral=referral,
            referrer=masked_phone_of(referral.referrer) if referral and referral.referrer else "",
            invitees=invitees,
            rows=rows(invitees.page.rows),
            network=network.draw(user) if invitees.count else None,
            **context,
        )
        if context["form"].initial["referral_code"] == code:
            # One's own link, followed to see where it leads.
            context["form"].initial = {}
        return context


class InviteesView(SignedInPage):
    """List whom one has invited, newest first, page by page."""

    template_name = "phone_referrals/invitees.html"
    heading = gettext_lazy("People you invited")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        cursor = request.GET.get("cursor", "")
        try:
            page = queries.invitees_page(request.user, cursor)
        except InvalidCursor as error:
            raise Http404(error.message) from None
        return self.render_to_response(self.get_context_data(page=page, rows=rows(page.rows), is_first=not cursor))


def rows(referrals: list[Any]) -> list[dict[str, Any]]:
    """Return what is shown of each invitee."""
    return [{"phone": masked_phone_of(each.referred), "invited_at": each.created_at} for each in referrals]
