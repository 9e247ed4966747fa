"""Signing in on the pages: the number, the code, and out again."""

from dataclasses import asdict, dataclass, field
from math import ceil
from time import time
from typing import Any, Self

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from phone_referrals import phones
from phone_referrals.accounts import get_accounts
from phone_referrals.exceptions import PhoneReferralsError, ResendTooSoon, TooManyMessages
from phone_referrals.http import facts_of, user_of
from phone_referrals.pages.page import FormPage, Page, SeeOther, SignedInPage
from phone_referrals.pages.words import duration, explain
from phone_referrals.signin.forms import CodeForm, PhoneForm, region_of_browser
from phone_referrals.signin.sign_in import SignedIn, sign_in
from phone_referrals.signin.verification import request_code
from phone_referrals.throttling import AuthThrottle, GetVerifyCodeThrottle
from phone_referrals.tokens import SessionIssuer, end_all

SESSION_KEY = "phone_referrals_sign_in"
# Phones of which one browser keeps the handle of its message, as after a mistake in the number.
MAX_HANDLES = 5


@dataclass(frozen=True, kw_only=True)
class PendingSignIn:
    """The phone that a code was sent to. `resend_at` is in POSIX seconds; `code` is empty unless it is echoed.

    `request_ids` has the handle of the latest message to each phone. `next_url` has been found safe to lead to.
    """

    phone_number: str = field(repr=False)
    resend_at: float
    next_url: str = ""
    code: str = field(default="", repr=False)
    request_ids: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """Return the sign-in that waits in the session of `request`, if any."""
        try:
            return cls(**request.session[SESSION_KEY])
        except (KeyError, TypeError):  # None, or one of another release, which had other fields.
            return None

    def keep(self, request: HttpRequest) -> None:
        handles = dict(list(self.request_ids.items())[-MAX_HANDLES:])
        request.session[SESSION_KEY] = {**asdict(self), "request_ids": handles}

    @staticmethod
    def drop(request: HttpRequest) -> None:
        request.session.pop(SESSION_KEY, None)

    @property
    def resend_in(self) -> int:
        """Whole seconds until another code may be asked for, rounded up: nobody comes back too early."""
        return max(0, ceil(self.resend_at - time()))


class SignInPage(RedirectURLMixin, FormPage):
    """Base of the pages before the sign-in, which send signed-in users on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            return SeeOther(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        # Django's default for a site that has set none is an address that it hardly has.
        if settings.is_overridden("LOGIN_REDIRECT_URL"):
            return resolve_url(settings.LOGIN_REDIRECT_URL)
        return self.to("profile")

    def send_code(self, phone_number: str) -> SeeOther:
        """Send a code and lead to where it is entered; raises `PhoneReferralsError`."""
        pending = PendingSignIn.of(self.request)
        request_ids = dict(pending.request_ids) if pending else {}
        try:
            self.throttle(GetVerifyCodeThrottle)
            sent = request_code(phone_number=phone_number, **facts_of(self.request))
        except (ResendTooSoon, TooManyMessages) as refusal:
            # The owner of the phone has the last message, and its code may be live, no matter who asked for it.
            # A handle that this browser has keeps its guesses.
            messages.warning(self.request, explain(refusal), fail_silently=True)
            wait = refusal.retry_after or 0
            code = pending.code if pending and pending.phone_number == phone_number else ""
        else:
            wait, code = sent.resend_in, sent.code
            request_ids.pop(phone_number, None)  # So that it is the latest.
            request_ids[phone_number] = sent.request_id
        PendingSignIn(
            phone_number=phone_number,
            resend_at=time() + wait,
            next_url=self.get_redirect_url(),
            code=code,
            request_ids=request_ids,
        ).keep(self.request)
        return SeeOther(self.to("enter_code"))


class SignInView(SignInPage):
    """Ask for the number, and send a code to it."""

    template_name = "phone_referrals/sign_in.html"
    heading = gettext_lazy("Sign in")
    form_class = PhoneForm
    field = "phone_number"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "region": region_of_browser(self.request)}

    def get_initial(self) -> dict[str, Any]:
        # "Change number" shows the number that was typed, so that it can be corrected.
        pending = PendingSignIn.of(self.request)
        return {"phone_number": pending.phone_number} if pending else {}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(next_url=self.get_redirect_url(), **context)

    def form_valid(self, form: Any) -> HttpResponse:
        return self.send_code(form.cleaned_data["phone_number"])


class EnterCodeView(SignInPage):
    """Ask for the code, and sign in."""

    template_name = "phone_referrals/enter_code.html"
    heading = gettext_lazy("Enter the code")
    form_class = CodeForm
    field = "code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        pending = PendingSignIn.of(request)
        if pending is None and not request.user.is_authenticated:
            if request.method == "POST":
                messages.warning(request, _("Your session has expired. Please start again."), fail_silently=True)
            return SeeOther(self.to("sign_in"))
        self.pending: Any = pending
        return super().dispatch(request, *args, **kwargs)

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return self.pending.next_url if self.pending else ""

    def form_valid(self, form: Any) -> HttpResponse:
        self.throttle(AuthThrottle)
        proof = {
            "phone_number": self.pending.phone_number,
            "code": form.cleaned_data["code"],
            "request_id": self.pending.request_ids.get(self.pending.phone_number, ""),
        }
        signed_in = self.sign_in(proof)
        PendingSignIn.drop(self.request)
        return self.welcome(signed_in)

    def sign_in(self, proof: dict[str, str]) -> SignedIn:
        return sign_in(**proof, issuer=SessionIssuer(self.request))

    def welcome(self, signed_in: SignedIn) -> HttpResponse:
        """Redirect a visitor who has just signed in."""
        return SeeOther(self.get_success_url())

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(
            pending=self.pending,
            masked_phone=phones.mask(self.pending.phone_number),
            resend_in=duration(self.pending.resend_in),
            **context,
        )


class SendAgainView(EnterCodeView):
    """Send another code to the phone that waits for one."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # To the button: after a form that was out of date, too.
        return SeeOther(self.to("enter_code"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = self.send_code(self.pending.phone_number)
        except PhoneReferralsError as refusal:
            messages.error(request, explain(refusal), fail_silently=True)
            return SeeOther(self.to("enter_code"))
        return response


class AccountView(SignedInPage):
    """Show one's own phone, and the way out."""

    template_name = "phone_referrals/account.html"
    heading = gettext_lazy("Your account")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        phone_number = phones.spaced(get_accounts().phone_of(user_of(request)))
        return self.render_to_response(self.get_context_data(phone_number=phone_number))


class SignOutView(Page):
    """End this session."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # To the button: after a form that was out of date, too.
        return SeeOther(self.to("profile"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            self.end_sessions(request)
        messages.success(request, _("You are signed out."), fail_silently=True)
        return SeeOther(resolve_url(settings.LOGOUT_REDIRECT_URL or self.to("sign_in")))

    def end_sessions(self, request: HttpRequest) -> None:
        SessionIssuer(request).revoke(user_of(request))


class SignOutEverywhereView(SignOutView):
    """End the user's sessions and tokens, on all devices."""

    def end_sessions(self, request: HttpRequest) -> None:
        end_all(user_of(request))
        super().end_sessions(request)
