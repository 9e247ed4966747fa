import csv
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from phone_referrals.models import Referral, ReferralCode
from phone_referrals.referrals import codes
from phone_referrals.referrals.admin import ReferralCodeForm, csv_of
from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem

pytestmark = pytest.mark.django_db


def add(client, admin_url, user, **data):
    values = {"user": user.pk, "code": "", "expires_at_0": "", "expires_at_1": "", "max_uses": "", **data}
    return client.post(admin_url(ReferralCode, "add"), values)


def act(client, admin_url, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(admin_url(ReferralCode, "changelist"), data, follow=True).content.decode()


def errors(answer):
    return dict(answer.context["adminform"].form.errors)


def test_a_vanity_code_becomes_active_and_the_old_one_works(staff, admin_url, make_user):
    user = make_user(1)
    old = code_of(user)
    assert add(staff, admin_url, user, code="sum-mer 26", max_uses=5).status_code == 302
    assert code_of(user).code == "SUMMER26"
    assert code_of(user).max_uses == 5
    redeem(make_user(2), old.code)


def test_a_code_left_empty_is_made(staff, admin_url, make_user):
    user = make_user(1)
    add(staff, admin_url, user)
    assert len(code_of(user).code) == codes.LENGTH


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Admin", "This referral code is reserved."),
        ("  - -", "There is no such referral code."),
        ("summer", "Referral code with this Code already exists."),
        ("Ж" * 33, "Ensure this value has at most 32 characters (it has 33)."),
    ],
)
def test_a_wrong_code_is_refused_beside_its_field(staff, admin_url, make_user, text, message):
    add(staff, admin_url, make_user(1), code="summer")
    answer = add(staff, admin_url, make_user(2), code=text)
    assert errors(answer)["code"] == [message]


def test_a_code_taken_since_the_form_was_checked_is_told(staff, admin_url, make_user, monkeypatch):
    taken = code_of(make_user(1)).code
    user = make_user(2)
    code_of(user)
    monkeypatch.setattr("phone_referrals.referrals.codes.import_string", lambda path: lambda length: taken)
    answer = add(staff, admin_url, user)
    assert answer.status_code == 302
    assert "This referral code is taken." in staff.get(answer.url).content.decode()
    assert ReferralCode.objects.filter(user=user).count() == 1


def test_a_user_is_chosen_by_searching_never_from_a_list_of_all(staff, admin_url, monkeypatch):
    text = staff.get(admin_url(ReferralCode, "add")).content.decode()
    assert "admin-autocomplete" in text
    monkeypatch.delitem(admin.site._registry, get_user_model())
    text = staff.get(admin_url(ReferralCode, "add")).content.decode()
    assert "vForeignKeyRawIdAdminField" in text or 'name="user"' in text
    assert "<select" not in text.split("field-user")[1].split("</div>")[0]


def test_staff_change_the_end_and_uses_of_a_code_only(staff, admin_url, make_user):
    code = code_of(make_user(1))
    values = {"code": "OTHER", "user": make_user(2).pk, "max_uses": "3", "is_disabled": "on"}
    staff.post(
        admin_url(ReferralCode, "change", code.pk), {**values, "expires_at_0": "2030-01-01", "expires_at_1": "00:00"}
    )
    code_now = ReferralCode.objects.get(pk=code.pk)
    assert (code_now.code, code_now.user) == (code.code, code.user)
    assert (code_now.max_uses, code_now.is_disabled) == (3, True)
    assert timezone.localtime(code_now.expires_at).isoformat()[:16] == "2030-01-01T00:00"


@pytest.mark.parametrize("values", [{}, {"max_uses": "9"}])
def test_a_saved_code_keeps_what_was_written_meanwhile(staff, admin_url, make_user, monkeypatch, values):
    code = code_of(make_user(1))
    ReferralCode.objects.update(max_uses=5)

    def use_and_rotate(form):
        ReferralCode.objects.filter(pk=code.pk).update(uses=2, active_for=None)

    monkeypatch.setattr(ReferralCodeForm, "clean", use_and_rotate)
    form = {"max_uses": "5", "expires_at_0": "", "expires_at_1": "", **values}
    assert staff.post(admin_url(ReferralCode, "change", code.pk), form).status_code == 302
    code_now = ReferralCode.objects.get(pk=code.pk)
    assert (code_now.max_uses, code_now.uses, code_now.active_for) == (int(form["max_uses"]), 2, None)


def test_rotating_gives_each_owner_one_new_code(staff, admin_url, make_user):
    one, other = make_user(1), make_user(2)
    first, second, third = code_of(one), codes.rotate(one), code_of(other)
    assert "2 codes were made." in act(staff, admin_url, "rotate", first, second, third)
    assert ReferralCode.objects.filter(user=one).count() == 3
    assert code_of(one) not in (first, second)
    assert LogEntry.objects.count() == 2


def test_a_code_of_a_user_deleted_meanwhile_is_not_rotated(staff, admin_url, make_user, monkeypatch):
    gone, user = make_user(1), make_user(2)
    mine = [code_of(gone), code_of(user)]
    rotate = codes.rotate

    def rotate_after_a_deletion(user):
        get_user_model().objects.filter(pk=gone.pk).delete()
        return rotate(user)

    monkeypatch.setattr(codes, "rotate", rotate_after_a_deletion)
    assert "1 code was made." in act(staff, admin_url, "rotate", *mine)
    assert code_of(user) != mine[1]


def test_a_code_is_disabled_and_enabled(staff, admin_url, make_user):
    code = code_of(make_user(1))
    assert "1 code was changed." in act(staff, admin_url, "disable", code)
    assert not ReferralCode.objects.enabled().exists()
    act(staff, admin_url, "enable", code)
    assert ReferralCode.objects.enabled().exists()


def test_a_code_is_deleted(staff, admin_url, make_user):
    code = code_of(make_user(1))
    assert staff.post(admin_url(ReferralCode, "delete", code.pk), {"post": "yes"}).status_code == 302
    assert not ReferralCode.objects.exists()


def test_no_code_is_deleted_where_the_half_is_off(staff, admin_url, make_user, monkeypatch):
    code = code_of(make_user(1))
    monkeypatch.setattr("phone_referrals.halves.on", "signin".__eq__)
    assert staff.post(admin_url(ReferralCode, "delete", code.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(("query", "found"), [("+1 201 555 0101", 1), ("0101", 0), ("", 2)])
def test_codes_are_searched_by_their_owners_phone(staff, admin_url, make_user, query, found):
    code_of(make_user(1))
    code_of(make_user(2))
    assert staff.get(admin_url(ReferralCode, "changelist"), {"q": query}).context["cl"].result_count == found


def test_a_code_is_found_whoever_has_an_empty_phone(staff, admin_url, make_user):
    nobody, user = make_user(1), make_user(2)
    get_user_model().objects.filter(pk=nobody.pk).update(phone_number="")
    code_of(nobody)
    found = staff.get(admin_url(ReferralCode, "changelist"), {"q": code_of(user).code}).context["cl"].queryset
    assert [code.user_id for code in found] == [user.pk]


def test_codes_are_searched_in_any_spelling(staff, admin_url, make_user):
    code = code_of(make_user(1)).code
    typed = f" {code[:3].lower()}-{code[3:].lower()}"
    assert staff.get(admin_url(ReferralCode, "changelist"), {"q": typed}).context["cl"].result_count == 1


@pytest.fixture
def referrals(make_user):
    """1 invited 2, who invited 3; 4 invited 5."""
    users = {number: make_user(number) for number in range(1, 6)}
    for referrer, referred in ((1, 2), (2, 3), (4, 5)):
        redeem(users[referred], code_of(users[referrer]).code)
    return users


@pytest.mark.parametrize(
    ("query", "found"), [("+1 (201) 555-0102", 2), ("+12015550105", 1), ("+12015550109", 0), ("nothing", 0), ("", 3)]
)
def test_referrals_are_searched_by_the_phone_of_either(staff, admin_url, referrals, query, found):
    assert staff.get(admin_url(Referral, "changelist"), {"q": query}).context["cl"].result_count == found


def test_referrals_are_searched_by_code(staff, admin_url, referrals):
    code = code_of(referrals[4]).code.lower()
    assert staff.get(admin_url(Referral, "changelist"), {"q": code}).context["cl"].result_count == 1


@pytest.mark.parametrize("use_tz", [True, False])
def test_referrals_are_filtered_by_the_days_of_the_site(staff, admin_url, referrals, settings, use_tz):
    settings.USE_TZ = use_tz
    for days, row in zip((0, 3, 400), Referral.objects.order_by("pk"), strict=True):
        Referral.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))
    changelist = staff.get(admin_url(Referral, "changelist")).context["cl"]
    (dates,) = changelist.filter_specs
    found = {
        str(choice["display"]): staff.get(admin_url(Referral, "changelist") + choice["query_string"]).context["cl"]
        for choice in dates.choices(changelist)
    }
    counts = {name: each.result_count for name, each in found.items()}
    assert (counts["Any date"], counts["Today"], counts["Past 7 days"]) == (3, 1, 2)


def test_no_referral_can_be_deleted_but_with_its_user(staff, admin_url, referrals):
    row = Referral.objects.get(referred=referrals[2])
    page = staff.get(admin_url(Referral, "change", row.pk)).content.decode()
    assert admin_url(Referral, "delete", row.pk) not in page
    assert "delete_selected" not in staff.get(admin_url(Referral, "changelist")).content.decode()
    for answer in (staff.get, staff.post):
        assert answer(admin_url(Referral, "delete", row.pk), {"post": "yes"}).status_code == 403
    act(staff, admin_url, "delete_selected", row)
    assert Referral.objects.count() == 3
    user = get_user_model()
    assert staff.post(admin_url(user, "delete", referrals[2].pk), {"post": "yes"}).status_code == 302
    data = {"action": "delete_selected", "_selected_action": [referrals[5].pk], "post": "yes"}
    assert staff.post(admin_url(user, "changelist"), data).status_code == 302
    assert list(Referral.objects.values_list("referred", "referrer")) == [(referrals[3].pk, None)]


def export(client, **query):
    answer = client.get(reverse("admin:phone_referrals_referral_export"), query)
    assert answer.status_code == 200
    assert answer.streaming
    return list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))


def test_the_export_has_what_the_list_shows_with_masked_numbers(staff, admin_url, referrals):
    page = staff.get(admin_url(Referral, "changelist"), {"q": "+12015550105"}).content.decode()
    assert "export/?q=%2B12015550105" in page
    header, row = export(staff, q="+12015550105")
    assert header == ["created_at", "code", "referred_id", "referred", "referrer_id", "referrer"]
    assert row[1:] == [
        code_of(referrals[4]).code,
        str(referrals[5].pk),
        "'+1 *** *** **05",
        str(referrals[4].pk),
        "'+1 *** *** **04",
    ]
    assert len(export(staff)) == 4


def test_the_export_is_read_row_by_row(staff, referrals, django_assert_max_num_queries):
    referrals[4].delete()
    with django_assert_max_num_queries(8):
        rows = export(staff)
    assert ["", ""] in [row[4:] for row in rows]


@pytest.mark.parametrize("query", ["x=1", "created_at__year=abc"])
def test_an_export_of_a_wrong_query_leads_to_the_list(staff, admin_url, referrals, query):
    answer = staff.get(f"{reverse('admin:phone_referrals_referral_export')}?{query}")
    assert (answer.status_code, answer.url) == (302, f"{admin_url(Referral, 'changelist')}?e=1")
    assert staff.get(answer.url).status_code == 200
    assert len(export(staff, e=1)) == 4


def test_nothing_in_the_export_is_a_formula(referrals):
    row = Referral(code="=1+1", referred=referrals[1], referred_id=referrals[1].pk)
    assert ",'=1+1," in list(csv_of([row]))[1]


def test_who_may_not_look_may_not_export(superuser):
    superuser.is_superuser = False
    superuser.save()
    client = Client()
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:phone_referrals_referral_export")).status_code == 403
    superuser.user_permissions.add(Permission.objects.get(codename="view_referral"))
    assert client.get(reverse("admin:phone_referrals_referral_export")).status_code == 200
