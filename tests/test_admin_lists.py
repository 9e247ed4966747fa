from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import include, path, reverse

from phone_referrals.admin import ReferralAdmin, ReferralCodeAdmin
from phone_referrals.admin_lists import CappedPaginator, person, user_in
from phone_referrals.models import PhoneVerification, Referral, ReferralCode
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem
from tests.hosts.phone_first.models import Member

pytestmark = pytest.mark.django_db

MODELS = [PhoneVerification, ReferralCode, Referral]


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
def test_the_pages_show_no_whole_phone_and_no_code(staff, admin_url, rows, model, page):
    row = model.objects.first()
    answer = staff.get(admin_url(model, page, *([row.pk] if page == "change" else [])))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "+1 *** *** **0" in text
    assert rows["code"] not in text
    assert not [number for number in rows["numbers"] if number in text]


def test_a_sign_in_code_cannot_be_worked_out_from_a_page(staff, admin_url, rows):
    """The serial is of no use without the site's secret, but then of no use to staff at all."""
    row = PhoneVerification.objects.get()
    text = staff.get(admin_url(PhoneVerification, "change", row.pk)).content.decode()
    assert str(row.serial) not in text


@pytest.mark.parametrize("model", [PhoneVerification, Referral])
def test_nothing_can_be_added_or_edited(staff, admin_url, rows, model):
    row = model.objects.first()
    before = model.objects.values().get(pk=row.pk)
    assert staff.get(admin_url(model, "add")).status_code == 403
    form = staff.get(admin_url(model, "change", row.pk)).context["adminform"]
    assert set(form.readonly_fields) >= set(form.form.fields)
    assert not form.form.fields
    values = dict.fromkeys(before, "1")
    assert staff.post(admin_url(model, "change", row.pk), values).status_code == 403
    assert model.objects.values().get(pk=row.pk) == before


def test_no_row_of_limits_can_be_deleted(staff, admin_url, rows):
    row = PhoneVerification.objects.get()
    assert staff.post(admin_url(PhoneVerification, "delete", row.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    staff.post(admin_url(PhoneVerification, "changelist"), selected)
    assert PhoneVerification.objects.filter(pk=row.pk).exists()


def test_a_list_does_not_ask_once_for_each_row(staff, admin_url, rows, make_user, django_assert_max_num_queries):
    for number in range(3, 9):
        redeem(make_user(number), code_of(make_user(number + 10)).code)
    for model in MODELS:
        with django_assert_max_num_queries(6):
            staff.get(admin_url(model, "changelist"))


def test_the_admin_knows_the_three_models():
    assert all(admin.site.is_registered(model) for model in MODELS)


def test_counting_ends_where_searching_is_the_better_way(monkeypatch, make_user):
    monkeypatch.setattr(CappedPaginator, "MAX_COUNT", 3)
    for number in range(5):
        make_user(number)
    users = get_user_model().objects.order_by("pk")
    assert CappedPaginator(users, 2).count == 3
    assert CappedPaginator(users[:2], 2).count == 2


def test_a_list_counts_no_further_than_that(staff, admin_url, rows, monkeypatch):
    monkeypatch.setattr(CappedPaginator, "MAX_COUNT", 1)
    for model in MODELS:
        changelist = staff.get(admin_url(model, "changelist")).context["cl"]
        assert changelist.result_count == 1
        assert changelist.full_result_count is None


def test_a_person_is_a_masked_number_and_a_link(make_user, monkeypatch):
    user = make_user(1)
    link = f'<a href="/admin/phone_first/user/{user.pk}/change/">+1 *** *** **01</a>'
    assert person(user, admin.site) == link
    assert person(get_user_model()(pk=7), admin.site).endswith(">#7</a>")
    assert person(None, admin.site) == "–"
    monkeypatch.setattr(admin.site, "is_registered", lambda model: False)
    assert person(user, admin.site) == "+1 *** *** **01"


@pytest.mark.parametrize(("name", "term"), [("referrals", "alice"), ("get_verify_code", "+1 201 555 0101")])
def test_users_are_searched_by_phone_where_the_site_has_phones(settings, make_user, name, term):
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("", include(([path("x/", print, name=name)], "phone_referrals")))]
    user = make_user(1)
    if name == "referrals":
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
        settings.AUTH_USER_MODEL = "phone_first.Member"
        user = Member.objects.create(username="alice")
    assert user_in(term) == user
    assert user_in("+1 201 555 0102") is None
    assert ("phone" in ReferralAdmin.search_help_text) is (name != "referrals")


other_site = admin.AdminSite("other")
other_site.register(ReferralCode, ReferralCodeAdmin)
other_site.register(Referral, ReferralAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("other/", other_site.urls)]


def test_a_site_beside_the_default_one_stays_within_itself(staff, rows, settings):
    settings.ROOT_URLCONF = __name__
    for page in ("other:phone_referrals_referral_changelist", "other:phone_referrals_referralcode_changelist"):
        text = staff.get(reverse(page)).content.decode()
        assert "+1 *** *** **0" in text
        assert 'href="/admin/' not in text
    assert "admin-autocomplete" not in staff.get(reverse("other:phone_referrals_referralcode_add")).content.decode()


OURS = [page for page in admin.site._registry.values() if type(page).__module__.startswith("phone_referrals.")]


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.model._meta.model_name)
def test_a_list_is_sorted_only_by_columns_that_have_an_index(rf, page):
    options = page.model._meta
    indexed = {
        *(field.name for field in options.fields if field.unique or field.db_index),
        *(each.fields[0].lstrip("-") for each in [*options.indexes, *options.total_unique_constraints]),
    }
    sortable = set(page.get_sortable_by(rf.get("/")))
    columns = {getattr(getattr(page, name, None), "admin_order_field", None) or name for name in sortable}
    assert columns <= indexed
    first, *_ = page.ordering or ["pk"]
    assert first.lstrip("-") in {*indexed, "pk"}


def test_all_lists_of_ours_are_looked_at():
    assert {PhoneVerification, ReferralCode, Referral} <= {page.model for page in OURS}


def test_a_name_that_is_no_key_finds_nobody(settings, monkeypatch):
    settings.ROOT_URLCONF = ModuleType("urls")
    settings.ROOT_URLCONF.urlpatterns = [path("", include("phone_referrals.referrals.urls"))]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "id")
    assert user_in("ABC") is None
