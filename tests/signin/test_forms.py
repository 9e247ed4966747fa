import pytest

from phone_referrals.signin.forms import CodeForm, PhoneForm


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


@pytest.mark.parametrize(
    ("site", "browser", "typed", "number"),
    [
        ("RU", "US", "8 912 345-67-89", "+79123456789"),
        ("RU", "UA", "8 912 345-67-89", "+79123456789"),
        ("IN", "US", "70123 45678", "+917012345678"),
        ("GB", "PL", "07912 345678", "+447912345678"),
        ("US", None, "201 555 0100", "+12015550100"),
        ("RU", "US", "201 555 0100", "+12015550100"),
        ("us", "US", "201 555 0100", "+12015550100"),
        (None, "US", "201 555 0100", "+12015550100"),
    ],
)
def test_the_region_of_the_site_comes_before_the_browsers(settings, site, browser, typed, number):
    settings.PHONENUMBER_DEFAULT_REGION = site
    form = PhoneForm({"phone_number": typed}, region=browser)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"phone_number": number}


@pytest.mark.parametrize(
    ("site", "browser", "hint"),
    [
        (None, None, "With the country code, such as +1 201 555 0123."),
        ("xx", None, "With the country code, such as +1 201 555 0123."),
        ("US", "RU", "Such as (201) 555-0123 or +1 201-555-0123."),
        (None, "US", "Such as (201) 555-0123 or +1 201-555-0123."),
        ("RU", "US", "Such as 8 (912) 345-67-89 or +7 912 345-67-89."),
    ],
)
def test_the_hint_is_a_number_of_the_region_that_is_read_first(settings, site, browser, hint):
    settings.PHONENUMBER_DEFAULT_REGION = site
    field = PhoneForm(region=browser).fields["phone_number"]
    assert str(field.help_text).replace("\u00a0", " ") == hint


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
    ],
)
def test_a_phone_offers_the_right_keyboard_and_help(form, field, attributes):
    widget = str(form()[field])
    assert not [each for each in attributes if each not in widget]


def test_a_code_pasted_with_spaces_is_not_cut():
    assert 'maxlength="64"' in str(CodeForm()["code"])
