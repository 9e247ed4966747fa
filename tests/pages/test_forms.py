import pytest

from phone_referrals.pages.forms import CodeForm, PhoneForm, RedeemForm


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("+1 201 555 0100", None, "+12015550100"),
        ("  +1 (201) 555-0100\t", "RU", "+12015550100"),
        ("(201) 555-0100", "US", "+12015550100"),
        ("2015550100", "CA", "+12015550100"),
        ("+1\u00a0201\u2011555\u20110100", None, "+12015550100"),
    ],
)
def test_a_number_is_read_in_any_spelling(typed, region, number):
    form = PhoneForm({"phone_number": typed}, region=region)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"phone_number": number}


def test_without_a_region_of_the_browser_the_sites_own_is_used(settings):
    settings.PHONENUMBER_DEFAULT_REGION = "US"
    assert PhoneForm({"phone_number": "201 555 0100"}).is_valid()
    assert not PhoneForm({"phone_number": "201 555 0100"}, region="RU").is_valid()


@pytest.mark.parametrize("typed", ["", " ", "abc", "201 555 0100", "+1", "+1201555010\0", "1" * 65])
def test_what_is_no_number_is_refused_beside_the_field(typed):
    form = PhoneForm({"phone_number": typed})
    assert not form.is_valid()
    assert list(form.errors) == ["phone_number"]


@pytest.mark.parametrize(
    "typed", ["123456", "123 456", " 1 2 3 4 5 6 ", "123-456", "12\u00a03\u20114\t56", "１２３４５６"]
)
def test_a_code_may_be_pasted_with_spaces_and_dashes(typed):
    form = CodeForm({"code": typed})
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"code": "123456"}


@pytest.mark.parametrize("typed", ["12345", "1234567", "abcdef", "12345x", "------", "¹²³⁴⁵⁶"])
def test_what_is_no_code_is_told_how_many_digits_it_has(typed, settings):
    form = CodeForm({"code": typed})
    assert form.errors == {"code": ["Enter the 6 digits of the code."]}


def test_a_code_has_as_many_digits_as_the_site_says(settings):
    settings.PHONE_REFERRALS_CODE_DIGITS = 8
    assert CodeForm({"code": "1234 5678"}).is_valid()
    assert not CodeForm({"code": "123456"}).is_valid()


@pytest.mark.parametrize(
    ("form", "field", "attributes"),
    [
        (PhoneForm, "phone_number", ['type="tel"', 'autocomplete="tel"', "autofocus", "required"]),
        (CodeForm, "code", ['inputmode="numeric"', 'autocomplete="one-time-code"', 'type="text"', "autofocus"]),
        (RedeemForm, "referral_code", ['autocomplete="off"', 'autocapitalize="characters"', 'spellcheck="false"']),
    ],
)
def test_a_phone_offers_the_right_keyboard_and_help(form, field, attributes):
    widget = str(form()[field])
    assert not [each for each in attributes if each not in widget]


def test_a_code_is_not_cut_to_its_digits_when_it_is_pasted_with_spaces():
    assert 'maxlength="64"' in str(CodeForm()["code"])
