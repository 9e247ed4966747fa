import re
from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from phone_referrals.exceptions import PhoneLocked
from phone_referrals.models import PhoneVerification, SmsUsage
from phone_referrals.signin.admin import chart_of
from phone_referrals.signin.verification import request_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked(phone):
    return PhoneVerification.objects.create(phone_number=phone, purpose="sign_in", wrong_guesses_since_success=100)


def clear(client, admin_url, row):
    data = {"action": "clear_limits", "_selected_action": [row.pk]}
    return client.post(admin_url(PhoneVerification, "changelist"), data, follow=True)


def test_clearing_the_limits_is_logged_without_the_number(staff, admin_url, locked, phone):
    with pytest.raises(PhoneLocked):
        request_code(phone_number=phone, host="example.com")
    assert "The limits of 1 phone are cleared." in clear(staff, admin_url, locked).content.decode()
    request_code(phone_number=phone, host="example.com")
    entry = LogEntry.objects.get()
    assert entry.change_message == "Cleared the limits."
    assert phone not in entry.object_repr


def test_who_may_only_look_may_not_clear(superuser, admin_url, locked):
    superuser.is_superuser = False
    superuser.save()
    superuser.user_permissions.add(Permission.objects.get(codename="view_phoneverification"))
    client = Client()
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    assert client.get(admin_url(PhoneVerification, "changelist")).status_code == 200
    clear(client, admin_url, locked)
    locked.refresh_from_db()
    assert locked.wrong_guesses_since_success == 100


@pytest.mark.parametrize(("query", "found"), [("+1 (201) 555-0100", 1), ("+12015550101", 0), ("0100", 0), ("", 1)])
def test_a_phone_is_searched_by_its_whole_number(staff, admin_url, locked, query, found):
    assert staff.get(admin_url(PhoneVerification, "changelist"), {"q": query}).context["cl"].result_count == found


def test_the_list_of_messages_begins_with_a_chart(staff, admin_url):
    SmsUsage.objects.create(day="2026-11-20", region="US", sent=8, verified=4)
    text = staff.get(admin_url(SmsUsage, "changelist")).content.decode()
    assert "Nov. 20, 2026: sent 8, verified 4" in text
    assert text.count("<rect") == 3 * 30
    text = staff.get(admin_url(SmsUsage, "changelist"), {"region": "CA"}).content.decode()
    assert "<rect" not in text


def test_without_messages_there_is_no_chart(staff, admin_url):
    assert "<rect" not in staff.get(admin_url(SmsUsage, "changelist")).content.decode()
    assert staff.get(admin_url(SmsUsage, "changelist"), {"nonsense": "1"}).status_code == 302


def test_what_was_done_is_logged_in_the_language_of_who_did_it(staff, admin_url, locked):
    staff.post(
        admin_url(PhoneVerification, "changelist"),
        {"action": "clear_limits", "_selected_action": [locked.pk]},
        headers={"accept-language": "ru"},
    )
    assert LogEntry.objects.get().change_message == "Ограничения сняты."


def test_a_day_cannot_be_deleted_and_its_ceiling_with_it(superuser, admin_url):
    usage = SmsUsage.objects.create(day="2026-11-23", region="US", sent=10)
    client = Client()
    client.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    assert client.post(admin_url(SmsUsage, "delete", usage.pk), {"post": "yes"}).status_code == 403
    assert SmsUsage.objects.exists()


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", ["Jan. 1, 2030, noon", "Jan. 1, 2030, 12:01 p.m.", "Jan. 1, 2030, 12:02 p.m."]),
        ("Asia/Kolkata", ["Jan. 1, 2030, 5:30 p.m.", "Jan. 1, 2030, 5:31 p.m.", "Jan. 1, 2030, 5:32 p.m."]),
        ("America/New_York", ["Jan. 1, 2030, 7 a.m.", "Jan. 1, 2030, 7:01 a.m.", "Jan. 1, 2030, 7:02 a.m."]),
    ],
)
def test_times_are_shown_as_the_sites_clock_shows_them(staff, admin_url, settings, locked, use_tz, zone, shown):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, zone
    noon = 1_893_499_200.0
    PhoneVerification.objects.update(code_expires_at=noon, resend_at=noon + 60, updated_at=noon + 120)
    page = staff.get(admin_url(PhoneVerification, "change", locked.pk)).content.decode()
    assert [time for time in shown if time not in page] == []
    assert shown[2] in staff.get(admin_url(PhoneVerification, "changelist")).content.decode()
    PhoneVerification.objects.update(code_expires_at=None, resend_at=None)
    page = staff.get(admin_url(PhoneVerification, "change", locked.pk)).content.decode()
    assert page.count('<div class="readonly">-</div>') == 2


def add(day, region="US", slot=0, sent=0, verified=0):
    SmsUsage.objects.create(day=date(2026, 11, day), region=region, slot=slot, sent=sent, verified=verified)


def days_of(**filters):
    return chart_of(SmsUsage.objects.filter(**filters))["days"]


def test_the_chart_adds_up_regions_and_slots_of_a_day():
    add(20, sent=3, verified=1)
    add(20, slot=1, sent=2, verified=1)
    add(20, region="CA", sent=5, verified=4)
    assert days_of()[-1] == {"day": date(2026, 11, 20), "sent": 10, "verified": 6}


def test_the_chart_counts_all_regions_together_once():
    add(20, region="", sent=5)
    add(20, sent=5)
    assert days_of()[-1]["sent"] == 5
    assert days_of(region="")[-1]["sent"] == 5


def test_the_chart_has_thirty_days_with_empty_ones():
    add(1, sent=10)
    add(20, sent=5)
    SmsUsage.objects.create(day=date(2026, 9, 1), region="US", sent=1000)
    chart = chart_of(SmsUsage.objects.all())
    assert [each["sent"] for each in chart["days"]] == [0] * 10 + [10] + [0] * 18 + [5]
    assert chart["highest"] == 10


def test_the_highest_bar_fills_the_height_and_none_is_higher(staff, admin_url):
    # Codes of yesterday's messages may be entered today.
    add(19, sent=10)
    add(20, sent=4, verified=20)
    page = staff.get(admin_url(SmsUsage, "changelist")).content.decode()
    assert re.findall(r'height="(\d+)" transform', page)[-4:] == ["100", "0", "40", "200"]


def test_there_is_no_chart_of_nothing_and_zeros_are_flat():
    assert chart_of(SmsUsage.objects.all()) is None
    add(20)
    assert chart_of(SmsUsage.objects.all())["highest"] == 1
