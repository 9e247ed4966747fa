"""The pages of referrals: the code to share, the people one has invited, and where an invite link leads."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import InvalidCursor
from phone_referrals.pages.page import FormPage, Page, SeeOther, SignedInPage
from phone_referrals.referrals import codes, invites, network
from phone_referrals.referrals.invitees import invitees, invitees_page, referral_of
from phone_referrals.referrals.links import link_to, qr_code
from phone_referrals.referrals.redeem import redeem
from phone_referrals.throttling import RedeemAddressThrottle, RedeemUserThrottle


class RedeemForm(forms.Form):
    referral_code = forms.CharField(
        label=gettext_lazy("Referral code"),
        max_length=500,  # A link may be pasted.
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class ReferralsView(SignedInPage, FormPage):
    """Show one's own code, referrer and people; enter somebody's referral code."""

    template_name = "phone_referrals/referrals.html"
    heading = gettext_lazy("Your invitations")
    form_class = RedeemForm
    field = "referral_code"

    def get_initial(self) -> dict[str, Any]:
        # A visitor who was a user already when following an invite link finds its code here, and may enter it.
        return {"referral_code": invites.likely(invites.codes_in(self.request))}

    def form_valid(self, form: Any) -> HttpResponse:
        self.throttle(RedeemUserThrottle, RedeemAddressThrottle)
        user: Any = self.request.user
        redeem(user, form.cleaned_data["referral_code"])
        messages.success(self.request, _("The referral code has been accepted."), fail_silently=True)
        response = SeeOther(self.to("profile"))
        invites.forget(response)
        return response

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        user: Any = self.request.user
        accounts = get_accounts()
        referral = referral_of(user)
        code = codes.code_of(user).code
        link = link_to(self.request, code)
        people = invitees(user)
        context = super().get_context_data(
            referral_code=code,
            referral_link=link,
            qr=qr_code(link),
            referral=referral,
            referrer=accounts.display_name(referral.referrer) if referral and referral.referrer else "",
            invitees=people,
            rows=rows(people.page.rows),
            network=network.draw(user) if people.count else None,
            **context,
        )
        if context["form"].initial["referral_code"] == code:
            # One's own link, followed to see where it leads.
            context["form"].initial = {}
        return context


class InviteesView(SignedInPage):
    """List one's invitees, newest first, page by page."""

    template_name = "phone_referrals/invitees.html"
    heading = gettext_lazy("People you invited")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        cursor = request.GET.get("cursor", "")
        try:
            page = invitees_page(user, cursor)
        except InvalidCursor as error:
            raise Http404(error.message) from None
        return self.render_to_response(self.get_context_data(page=page, rows=rows(page.rows), is_first=not cursor))


class InviteView(Page):
    """Remember the code of an invite link, and lead to the sign-in."""

    def get(self, request: HttpRequest, code: str, *args: Any, **kwargs: Any) -> HttpResponse:
        folded = codes.read(code)
        response = SeeOther(self.get_success_url(folded))
        invites.remember(request, response, code)
        return response

    def get_success_url(self, code: str) -> str:
        """Return where to sign in. The address keeps the code, for another browser that it is opened in."""
        address = self.sign_in_url()
        sign = "&" if "?" in address else "?"
        return f"{address}{sign}{urlencode({'invite': code})}" if code else address


def rows(referrals: list[Any]) -> list[dict[str, Any]]:
    """Return the name and the date of each invitee."""
    name_of = get_accounts().display_name
    return [{"name": name_of(each.referred), "invited_at": each.created_at} for each in referrals]
