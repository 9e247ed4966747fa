import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from phone_referrals.models import PhoneVerification, Referral, ReferralCode
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem

pytestmark = pytest.mark.django_db

MODELS = [PhoneVerification, ReferralCode, Referral]


def url(model, page, *args):
    return reverse(f"admin:phone_referrals_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def staff():
    """The client of a superuser."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("+12015550199"))
    return client


@pytest.fixture
def rows(settings, make_user, send_code):
    """One row of each model, of users whose numbers nobody has to see; the code that was sent."""
    settings.PHONE_REFERRALS_CODE_DIGITS = 10
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    code = send_code("+12015550101")
    redeem(make_user(1), code_of(make_user(2)).code)
    return {"code": code, "numbers": ["2015550101", "2015550102", "555-0101", "555-0102"]}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("page", ["changelist", "change"])
def test_the_pages_open_and_show_no_whole_phone_and_no_sign_in_code(staff, rows, model, page):
    row = model.objects.first()
    answer = staff.get(url(model, page, *([row.pk] if page == "change" else [])))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "+1 *** *** **0" in text
    assert rows["code"] not in text
    assert not [number for number in rows["numbers"] if number in text]


def test_a_sign_in_code_cannot_be_worked_out_from_a_page(staff, rows):
    """The serial is of no use without the site's secret, but then of no use to staff at all."""
    row = PhoneVerification.objects.get()
    text = staff.get(url(PhoneVerification, "change", row.pk)).content.decode()
    assert str(row.serial) not in text


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_or_edited(staff, rows, model):
    row = model.objects.first()
    before = model.objects.values().get(pk=row.pk)
    assert staff.get(url(model, "add")).status_code == 403
    form = staff.get(url(model, "change", row.pk)).context["adminform"]
    assert set(form.readonly_fields) >= set(form.form.fields)
    assert not form.form.fields
    values = dict.fromkeys(before, "1")
    assert staff.post(url(model, "change", row.pk), values).status_code == 403
    assert model.objects.values().get(pk=row.pk) == before


def test_the_limits_of_a_phone_cannot_be_lifted_by_deleting_its_row(staff, rows):
    row = PhoneVerification.objects.get()
    assert staff.post(url(PhoneVerification, "delete", row.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    staff.post(url(PhoneVerification, "changelist"), selected)
    assert PhoneVerification.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", [ReferralCode, Referral])
def test_rows_are_searched_by_referral_code(staff, rows, model):
    code = Referral.objects.get().code
    for query, found in ((code, 1), ("nothing", 0)):
        assert staff.get(url(model, "changelist"), {"q": query}).context["cl"].result_count == found


def test_a_list_does_not_ask_once_for_each_row(staff, rows, make_user, django_assert_max_num_queries):
    for number in range(3, 9):
        redeem(make_user(number), code_of(make_user(number + 10)).code)
    for model in MODELS:
        with django_assert_max_num_queries(6):
            staff.get(url(model, "changelist"))


def test_the_admin_knows_the_three_models():
    assert all(admin.site.is_registered(model) for model in MODELS)
