"""The pages of a site that has both halves: a sign-in accepts an invitation, and the profile shows the phone."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from phone_referrals import phones
from phone_referrals.accounts import get_accounts
from phone_referrals.http import user_of
from phone_referrals.pages.words import explain
from phone_referrals.profiles.sign_in import SignedIn, sign_in
from phone_referrals.referrals import codes, invites
from phone_referrals.referrals import pages as of_referrals
from phone_referrals.signin import pages as of_signin
from phone_referrals.tokens import SessionIssuer


class SignInView(of_signin.SignInView):
    """Ask for the number, and send a code to it; the address may bring an invitation."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        invites.remember(request, response, request.GET.get("invite", ""))
        return response

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        # The address keeps the code, for a link that is opened again in another browser.
        invited_by = [*invites.codes_in(self.request), codes.read(self.request.GET.get("invite", ""))]
        return super().get_context_data(is_invited=bool(invites.likely(invited_by)), **context)


class EnterCodeView(of_signin.EnterCodeView):
    """Ask for the code, and sign in; a new user accepts an invitation."""

    def sign_in(self, proof: dict[str, str]) -> SignedIn:
        return sign_in(**proof, issuer=SessionIssuer(self.request), invites=invites.codes_in(self.request))

    def welcome(self, signed_in: Any) -> HttpResponse:
        if signed_in.redeemed:
            messages.success(self.request, _("Welcome! Your invitation has been accepted."), fail_silently=True)
        elif signed_in.refusal:
            why = _("Your invitation could not be accepted: %(reason)s") % {"reason": explain(signed_in.refusal)}
            messages.warning(self.request, why, fail_silently=True)
        response = super().welcome(signed_in)
        # An existing user finds it in the form of the profile.
        if invites.codes_in(self.request) and (signed_in.created or hasattr(signed_in.user, "phone_referral")):
            invites.forget(response)
        return response


class ProfileView(of_referrals.ReferralsView):
    """Show the profile; enter somebody's referral code."""

    template_name = "phone_referrals/profile.html"
    heading = gettext_lazy("Your profile")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        phone_number = phones.spaced(get_accounts().phone_of(user_of(self.request)))
        return super().get_context_data(phone_number=phone_number, **context)
