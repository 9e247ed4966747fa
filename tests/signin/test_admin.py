import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from phone_referrals.exceptions import PhoneLocked
from phone_referrals.models import PhoneVerification, SmsUsage
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
