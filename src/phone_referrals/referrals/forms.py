from django import forms
from django.utils.translation import gettext_lazy as _


class RedeemForm(forms.Form):
    referral_code = forms.CharField(
        label=_("Referral code"),
        max_length=500,  # A link may be pasted.
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
