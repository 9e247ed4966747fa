"""Bases of the pages: their protection, the addresses of the others, and how a refusal is shown."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import AccessMixin
from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
from django.utils.decorators import decorator_from_middleware
from django.utils.log import log_response
from django.utils.translation import gettext, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View
from django.views.generic.edit import FormMixin
from django.views.i18n import set_language
from rest_framework.throttling import BaseThrottle

from phone_referrals.exceptions import AccountDisabled, NotUTF8, PhoneReferralsError, TooManyRequests, Unavailable
from phone_referrals.http import RETRY_AFTER, guarded, is_database_down, require_utf8
from phone_referrals.pages.words import explain
from phone_referrals.routing import address_of
from phone_referrals.tokens import follow_key, has_readable_session

# The languages that come with the package, for a site that has not chosen its own.
LANGUAGES = [("en", "English"), ("ru", "Русский")]


def is_translated(code: str) -> bool:
    """Tell whether the pages are in a language, by a catalogue of the package or of the site."""
    message = "This page was out of date. Please try again."  # Any of ours.
    with override(settings.LANGUAGE_CODE):
        fallback = gettext(message)
    with override(code):
        text = gettext(message)
    base, of_site = (each.partition("-")[0] for each in (code, settings.LANGUAGE_CODE))
    # Where a text is not translated, Django shows that of the site's own language.
    return base == "en" or (text != message and (text != fallback or base == of_site))


class _CsrfProtection(CsrfViewMiddleware):
    """Leads back to the page, anew, where Django has a page of its own that says 403.

    A form is out of date after a sign-in in another tab, or after a second click. Its data are ignored.
    """

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponseRedirect:
        messages.warning(request, _("This page was out of date. Please try again."), fail_silently=True)
        return SeeOther(request.get_full_path())


def protected(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return `view` with CSRF protection of our own, never cached, and outside the host's `ATOMIC_REQUESTS`.

    A request is UTF-8, and error reports show nothing of it.
    """
    view = guarded(_readable(decorator_from_middleware(_CsrfProtection)(view)))
    for alias in connections:
        # Rolling back would forget wrong guesses.
        view = transaction.non_atomic_requests(using=alias)(view)
    # The site's middleware leaves the checks of CSRF and of the sign-in to ours.
    return never_cache(csrf_exempt(login_not_required(view)))


def _readable(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return `view`, which answers as plain text where a request cannot be read, or the database cannot be reached."""

    @wraps(view)
    def readable(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            require_utf8(request)
            return view(request, *args, **kwargs)
        except NotUTF8 as refusal:
            return _plain(refusal)
        except (InterfaceError, OperationalError) as error:
            if not is_database_down(error):
                raise
            response = _plain(Unavailable())
            response["Retry-After"] = str(RETRY_AFTER)
            log_response("Database down: %s", request.path, response=response, request=request, exception=error)
            return response

    return readable


def _plain(refusal: PhoneReferralsError) -> HttpResponse:
    return HttpResponse(refusal.message, status=refusal.status_code, content_type="text/plain; charset=utf-8")


@protected
def choose_language(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Django's own view, which raises where the header `Accept` is too long for it to read."""
    try:
        response: HttpResponse = set_language(request)
    except ValueError:
        return HttpResponseBadRequest()
    return response


class SeeOther(HttpResponseRedirect):
    """After a POST: another page, which may be reloaded without sending anything again."""

    status_code = 303


class Addresses:
    """The addresses of the pages, as templates look them up: `{{ urls.sign_in }}`."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def __getitem__(self, name: str) -> str:
        return self.page.to(name)


class Page(ContextMixin, TemplateResponseMixin, View):
    """Base of the pages."""

    heading: ClassVar[Any] = ""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return protected(super().as_view(**initkwargs))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        if not has_readable_session(request):
            raise BadRequest
        super().setup(request, *args, **kwargs)

    def to(self, name: str) -> str:
        """Return the address of one of our pages, wherever the host has included them."""
        return address_of(self.request, f"phone_referrals_pages:{name}")

    def sign_in_url(self) -> str:
        """Return the address of our sign-in page, or of the host's own, which `LOGIN_URL` names."""
        try:
            return self.to("sign_in")
        except NoReverseMatch:
            return resolve_url(settings.LOGIN_URL)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(urls=Addresses(self), languages=self.get_languages(), **context)

    def get_languages(self) -> Sequence[tuple[str, Any]]:
        """Return the languages to choose from: none where no `LocaleMiddleware` would follow the choice."""
        if not (settings.USE_I18N and hasattr(self.request, "LANGUAGE_CODE")):
            return []
        offered = settings.LANGUAGES if settings.is_overridden("LANGUAGES") else LANGUAGES
        return [(code, name) for code, name in offered if is_translated(code)]

    def throttle(self, *throttles: type[BaseThrottle]) -> None:
        """Count this request; raises `TooManyRequests`. The API counts in the same places."""
        for throttle in [each() for each in throttles]:
            if not throttle.allow_request(self.request, self):  # type: ignore[arg-type]
                raise TooManyRequests(retry_after=int(throttle.wait() or 0) + 1)


class SignedInPage(AccessMixin, Page):
    """Base of the pages of signed-in users; others are led to the sign-in and back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        follow_key(request, request.user)
        try:
            return super().dispatch(request, *args, **kwargs)
        except AccountDisabled:  # The user was deleted a moment ago.
            return SeeOther(self.sign_in_url())

    def get_login_url(self) -> str:
        return self.sign_in_url()


class FormPage(FormMixin, Page):  # type: ignore[type-arg]
    """Base of the pages with a form. A refused form is shown again, with the reason beside its field."""

    field: ClassVar[str]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        try:
            return self.form_valid(form)
        except PhoneReferralsError as refusal:
            return self.refuse(form, refusal)

    def form_invalid(self, form: forms.Form, status: int = 400) -> HttpResponse:
        form.fields[self.field].widget.attrs["autofocus"] = True
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def refuse(self, form: forms.Form, refusal: PhoneReferralsError) -> HttpResponse:
        form.add_error(self.field, explain(refusal))
        response = self.form_invalid(form, refusal.status_code)
        if refusal.retry_after or refusal.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response["Retry-After"] = str(refusal.retry_after or 1)  # As the API says it.
        return response
