from types import ModuleType

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.urls import include, path

from phone_referrals.accounts import get_accounts
from phone_referrals.admin import PhoneUserAdminMixin
from phone_referrals.exceptions import AlreadyRedeemed
from phone_referrals.models import RedeemedPhone, Referral, ReferralCode
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem
from tests.hosts.phone_first.models import Member, Profile

pytestmark = pytest.mark.django_db


def page(staff, admin_url, user):
    return staff.get(admin_url(get_user_model(), "change", user.pk)).content.decode()


def test_the_page_of_a_user_shows_code_and_network(staff, admin_url, make_user):
    top, me, below, deeper = [make_user(number) for number in range(1, 5)]
    redeem(me, code_of(top).code)
    redeem(below, code_of(me).code)
    redeem(deeper, code_of(below).code)
    text = page(staff, admin_url, me)
    assert code_of(me).code in text
    for other, number in ((top, "01"), (below, "03"), (deeper, "04")):
        assert f'<a href="/admin/phone_first/user/{other.pk}/change/">+1 *** *** **{number}</a>' in text
    assert text.count('<figure class="network">') == 2
    assert "phone_referrals/admin.css" in text


def test_looking_at_a_user_makes_no_code(staff, admin_url, make_user):
    assert '<div class="readonly">–</div>' in page(staff, admin_url, make_user(1))
    assert not ReferralCode.objects.exists()


def test_a_user_alone_has_no_picture(staff, admin_url, make_user):
    assert "<figure" not in page(staff, admin_url, make_user(1))


def test_a_user_is_added_without_referrals(staff, admin_url):
    text = staff.get(admin_url(get_user_model(), "add")).content.decode()
    assert "field-phone_referral" not in text


@pytest.mark.parametrize(
    ("query", "found"), [("+1 (201) 555-0101", 1), ("+12015550102", 0), ("0101", 1), ("", 2), ("nobody", 0)]
)
def test_users_are_found_by_number_and_as_the_host_searches(staff, admin_url, make_user, query, found):
    make_user(1)
    assert staff.get(admin_url(get_user_model(), "changelist"), {"q": query}).context["cl"].result_count == found


def test_a_larger_network_takes_no_more_statements(staff, admin_url, make_user, django_assert_max_num_queries):
    me = make_user(1)
    code = code_of(me).code
    for number in range(2, 12):
        redeem(make_user(number), code)
    with django_assert_max_num_queries(12):
        page(staff, admin_url, me)


# The phone on the form


ACTIVE, PHONE = [(None, {"fields": [each]}) for each in ("is_active", "phone_number")]


def and_the_phone(page, request, obj=None):
    return [*super(type(page), page).get_fieldsets(request, obj), PHONE]


class Between(DjangoUserAdmin):
    """Of another package, such as one that changes how the admin looks."""

    def get_fieldsets(self, request, obj=None):
        return [*super().get_fieldsets(request, obj), PHONE]


class OwnForm(forms.ModelForm):
    """A site's own, as the tutorials of custom users have it."""

    class Meta:
        model = get_user_model()
        fields = ("is_active",)


@pytest.fixture
def host(monkeypatch, rf, superuser):
    """A site's own `UserAdmin` with the attributes, and a request of staff."""
    # Django's name a username, which this user does not have.
    monkeypatch.setattr(DjangoUserAdmin, "fieldsets", (ACTIVE, ("Permissions", {"fields": ("is_staff",)})))
    request = rf.get("/")
    request.user = superuser

    def make(model=None, base=DjangoUserAdmin, **attributes):
        made = type("UserAdmin", (PhoneUserAdminMixin, base), attributes)
        return made(model or get_user_model(), admin.site), request

    return make


@pytest.fixture
def change(host):
    """Change the phone of a user in the admin; returns the errors."""
    page, request = host()

    def submit(user, typed):
        form = page.get_form(request, user, change=True)({"is_active": "on", "phone_number": typed}, instance=user)
        if form.is_valid():
            form.save()
            user.refresh_from_db()
        return form.errors

    return submit


def test_staff_change_a_phone_in_any_spelling(host, change, make_user):
    user = make_user(1)
    page, request = host()
    assert page.get_fieldsets(request, user)[:3] == [ACTIVE, PHONE, ("Permissions", {"fields": ("is_staff",)})]
    assert change(user, "+1 (201) 555-0102") == {}
    assert get_user_model().objects.get(phone_number="+12015550102") == user


@pytest.mark.parametrize("typed", ["+1 (201) 555-0102", "+1201", "phone"])
def test_staff_give_no_taken_and_no_invalid_phone(change, make_user, typed):
    user, _ = make_user(1), make_user(2)
    assert list(change(user, typed)) == ["phone_number"]


def test_staff_take_the_phones_of_several_users_away(change, make_user):
    for user in (make_user(1), make_user(2)):
        assert change(user, "") == {}
    assert get_user_model().objects.filter(phone_number=None).count() == 2


def test_a_user_is_added_with_the_hosts_fields_only(host):
    page, request = host()
    assert page.get_fieldsets(request) == DjangoUserAdmin.add_fieldsets


@pytest.mark.parametrize(
    ("attributes", "times"),
    [
        ({"fieldsets": [ACTIVE]}, 0),
        ({"fieldsets": None, "fields": ["is_active"]}, 0),
        ({"exclude": ["phone_number"]}, 0),
        ({"readonly_fields": ["phone_number"]}, 0),
        ({"fieldsets": [ACTIVE, PHONE]}, 1),
        ({"fieldsets": [ACTIVE, PHONE], "readonly_fields": ["phone_number"]}, 1),
        ({"fieldsets": None}, 1),
        ({"get_fieldsets": and_the_phone}, 1),
        ({"base": Between}, 1),
        ({"form": OwnForm}, 1),
        ({"form": OwnForm, "exclude": ["phone_number"]}, 0),
    ],
)
def test_a_host_that_names_or_leaves_out_the_phone_has_its_way(host, make_user, attributes, times):
    page, request = host(**attributes)
    user = make_user(1)
    assert flatten_fieldsets(page.get_fieldsets(request, user)).count("phone_number") == times
    page.get_form(request, user, change=True)


def test_a_phone_that_is_not_editable_is_not_on_the_form(host, monkeypatch, make_user):
    page, request = host()
    monkeypatch.setattr(get_user_model()._meta.get_field("phone_number"), "editable", False)
    assert "phone_number" not in flatten_fieldsets(page.get_fieldsets(request, make_user(1)))


def test_the_form_of_a_host_is_asked_for_all_of_its_fields(host, make_user):
    def get_form(page, *args, **kwargs):
        form = super(type(page), page).get_form(*args, **kwargs)
        form.base_fields["is_active"].disabled = True
        return form

    page, request = host(get_form=get_form)
    assert "phone_number" in page.get_form(request, make_user(1), change=True).base_fields


@pytest.mark.parametrize("field", ["username", "profile__phone"])
def test_a_phone_of_a_text_column_or_profile_is_not_on_the_form(host, settings, field):
    settings.PHONE_REFERRALS_PHONE_FIELD = field
    page, request = host(Member)
    assert field not in flatten_fieldsets(page.get_fieldsets(request, Member()))


# One half alone


@pytest.fixture
def only_half(settings):
    """Let the site have the URLs of one half."""

    def only_half(name):
        settings.ROOT_URLCONF = ModuleType("urls")
        ours = path("ours/", include(([path("x/", print, name=name)], "phone_referrals")))
        settings.ROOT_URLCONF.urlpatterns = [path("admin/", admin.site.urls), ours]

    return only_half


def test_a_site_that_signs_in_only_has_no_referrals_of_users(host, only_half, staff, make_user, admin_url):
    only_half("get_verify_code")
    page_of_user, request = host()
    assert flatten_fieldsets(page_of_user.get_fieldsets(request, make_user(1)))[:2] == ["is_active", "phone_number"]
    text = page(staff, admin_url, make_user(2))
    assert "field-phone_number" in text
    assert "field-phone_referral" not in text


def test_a_site_with_referrals_only_asks_for_no_phone(host, only_half, settings):
    only_half("referrals")
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.PHONE_REFERRALS_PHONE_FIELD = "mobile"  # There is none.
    page_of_user, request = host(Member, search_fields=["username"])
    user = Member.objects.create(username="alice")
    assert "phone_referral_code" in flatten_fieldsets(page_of_user.get_fieldsets(request, user))
    assert [*page_of_user.get_search_results(request, Member.objects.all(), "+12015550101")[0]] == []
    assert [*page_of_user.get_search_results(request, Member.objects.all(), "alice")[0]] == [user]
    user.username = "bob"
    page_of_user.save_model(request, user, None, change=True)
    assert Member.objects.get().username == "bob"


# A phone redeems once


@pytest.fixture
def invited(make_user):
    """A user who has redeemed a code."""
    user = make_user(1)
    redeem(user, code_of(make_user(2)).code)
    return user


def delete_it(staff, admin_url, user):
    return staff.post(admin_url(get_user_model(), "delete", user.pk), {"post": "yes"})


def delete_selected(staff, admin_url, *users):
    data = {"action": "delete_selected", "_selected_action": [user.pk for user in users], "post": "yes"}
    return staff.post(admin_url(get_user_model(), "changelist"), data)


def give_another_phone(staff, admin_url, user, **values):
    values = {"phone_number": "+12015550150", "is_active": "on", **values}
    return staff.post(admin_url(get_user_model(), "change", user.pk), values)


@pytest.mark.parametrize("leave", [delete_it, delete_selected, give_another_phone])
def test_a_phone_that_staff_took_away_redeems_no_second_time(staff, admin_url, make_user, invited, leave):
    assert leave(staff, admin_url, invited).status_code == 302
    with pytest.raises(AlreadyRedeemed):
        redeem(make_user(1), code_of(make_user(3)).code)


def test_nothing_is_remembered_of_a_user_who_is_added(staff, admin_url):
    values = {"phone_number": "+12015550101", "usable_password": "false"}
    assert staff.post(admin_url(get_user_model(), "add"), values).status_code == 302
    assert get_user_model().objects.filter(phone_number="+12015550101").exists()
    assert not RedeemedPhone.objects.exists()


@pytest.mark.parametrize("values", [{"phone_number": "+12015550101"}, {"phone_number": "nothing"}])
def test_a_phone_that_is_kept_is_not_remembered(staff, admin_url, invited, values):
    give_another_phone(staff, admin_url, invited, **values)
    assert not RedeemedPhone.objects.exists()


def test_a_phone_that_an_inline_changes_is_remembered(staff, admin_url, make_user, refer, settings, monkeypatch):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    inline = type("ProfileInline", (admin.StackedInline,), {"model": Profile})
    monkeypatch.setattr(type(admin.site._registry[get_user_model()]), "inlines", [inline])
    user = make_user(1)
    refer(make_user(2), user)
    form = {"profile-TOTAL_FORMS": 1, "profile-INITIAL_FORMS": 1, "profile-0-id": user.profile.pk}
    form |= {"profile-0-user": user.pk, "profile-0-phone": "+12015550150", "phone_number": ""}
    assert give_another_phone(staff, admin_url, user, **form).status_code == 302
    assert get_accounts().find("+12015550150") == user
    with pytest.raises(AlreadyRedeemed):
        redeem(make_user(1), code_of(make_user(3)).code)


def test_a_user_may_be_deleted_while_staff_delete_it(host, make_user):
    page, request = host()
    user = make_user(1)
    get_user_model().objects.filter(pk=user.pk).delete()
    page.delete_model(request, user)


@pytest.mark.parametrize("leave", [delete_it, delete_selected])
def test_a_deleted_referrer_leaves_no_text_of_a_code(staff, admin_url, make_user, invited, leave):
    kept = code_of(make_user(3))
    redeem(make_user(4), kept.code)
    leave(staff, admin_url, get_user_model().objects.get(phone_number="+12015550102"))
    assert set(Referral.objects.values_list("referrer", "code")) == {(None, ""), (kept.user_id, kept.code)}


@pytest.mark.parametrize("changed", [{"is_active": ""}, {"phone_number": "+1 999 1"}])
def test_an_unchanged_phone_does_not_block_the_form(host, changed):
    """Ranges are renumbered: what is stored was valid once."""
    user = get_user_model().objects.create(phone_number="+1 999")
    user.refresh_from_db()
    page, request = host()
    data = {"is_active": "on", "phone_number": "+1 999", **changed}
    form = page.get_form(request, user, change=True)(data, instance=user)
    assert list(form.errors) == (["phone_number"] if "phone_number" in changed else [])
    assert "phone_number" in form.fields
    if form.is_valid():
        form.save()
        user.refresh_from_db()
        assert (user.is_active, user.phone_number.raw_input) == (False, "+1 999")
