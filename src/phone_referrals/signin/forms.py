"""The forms of sign-in. `phone_referrals.reading` reads the texts that people type."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header
from phonenumbers import SUPPORTED_REGIONS

from phone_referrals import phones
from phone_referrals.signin import codes


class PhoneForm(forms.Form):
    """A phone number in any spelling; without a country code one of the site's region, or else of the browser's."""

    phone_number = forms.CharField(
        label=_("Phone number"),
        help_text=_("With the country code, such as +1\u00a0201\u00a0555\u00a00123."),
        max_length=64,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "autofocus": True}),
    )

    def __init__(self, *args: Any, region: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regions = [each for each in (phones.site_region(), region) if each in SUPPORTED_REGIONS]
        if self.regions:
            national, international = (text.replace(" ", "\u00a0") for text in phones.examples_of(self.regions[0]))
            example = _("Such as %(national)s or %(international)s.")
            self.fields["phone_number"].help_text = example % {"national": national, "international": international}

    def clean_phone_number(self) -> str:
        return phones.parse(self.cleaned_data["phone_number"], *self.regions)


class CodeForm(forms.Form):
    """The code of a message. Not limited to its digits: a pasted one may have spaces in it."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}),
    )

    def clean_code(self) -> str:
        return codes.read(self.cleaned_data["code"])


def region_of_browser(request: HttpRequest) -> str | None:
    """Return the region in the browser's languages (`ru-KZ`), in which a number needs no country code."""
    for language, _quality in parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "")):
        region = language.rpartition("-")[2].upper()
        if region != language.upper() and region in SUPPORTED_REGIONS:
            return region
    return None
