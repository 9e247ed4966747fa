"""One clock, UTC: without USE_TZ, too, and in a zone whose local hours come twice or not at all."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.core.management import call_command

from phone_referrals.models import UserSession
from phone_referrals.tokens import get_issuer
from tests.tokens.conftest import Handler, status
from tests.tokens.test_jwt import client_with, refresh

pytestmark = pytest.mark.django_db

ZONES = ["America/New_York", "Asia/Kolkata"]
# Noon, and in the hour that comes twice in New York.
MOMENTS = [datetime(2030, 6, 1, 12, tzinfo=UTC), datetime(2030, 11, 3, 5, 50, tzinfo=UTC)]


@pytest.fixture(params=ZONES)
def zone(request, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, request.param
    return request.param


@pytest.fixture(params=MOMENTS, ids=["noon", "twice"])
def moment(request, zone, time_machine):
    time_machine.move_to(request.param.timestamp())  # With a zone it would set that.
    return request.param


@pytest.mark.parametrize("path", ["logout", "logout_all"])
def test_logging_out_with_json_web_tokens_misses_no_device(moment, use, sign_in, phone, time_machine, path):
    use("jwt")
    first = sign_in(phone)
    time_machine.shift(1800)
    last = sign_in(phone)
    refreshed = client_with(refresh(first.answer["refresh"])["access"])
    assert [status(each) for each in (refreshed, last)] == [200, 200]
    refreshed.post(f"/api/users/{path}/")
    call_command("flushexpiredtokens")
    assert [status(each) for each in (refreshed, last)] == [401, 401 if path == "logout_all" else 200]
    with pytest.raises(Exception, match="ended"):
        refresh(first.answer["refresh"])
    assert status(sign_in(phone)) == 200


@pytest.mark.parametrize("kind", ["knox", "session"])
def test_the_list_of_sessions_is_in_utc(moment, use, sign_in, phone, kind):
    use(kind)
    (row,) = sign_in(phone).get("/api/users/me/sessions/").json()["results"]
    created, expires = (datetime.fromisoformat(row[name]) for name in ("created_at", "expires_at"))
    assert row["created_at"].endswith("Z")
    assert row["expires_at"].endswith("Z")
    assert abs(created - moment) < timedelta(minutes=1)
    assert created < expires


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("kind", ["knox", "session"])
def test_the_list_of_sessions_is_in_utc_in_any_zone(settings, use, sign_in, phone, kind, use_tz):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Asia/Kolkata"
    use(kind)
    (row,) = sign_in(phone).get("/api/users/me/sessions/").json()["results"]
    assert row["created_at"].endswith("Z")
    assert row["expires_at"].endswith("Z")


@pytest.mark.parametrize("kind", ["knox", "jwt", "session"])
def test_a_sign_in_is_recent_for_ten_minutes(moment, use, sign_in, phone, time_machine, kind):
    use(kind)
    client = sign_in(phone)
    refresh_token = client.answer.get("refresh")
    assert (
        abs(
            Handler(client, lambda request: get_issuer(request).signed_in_at(request.user)).answer - moment
        ).total_seconds()
        < 60
    )
    for seconds, is_asked in ((540, False), (120, True)):
        time_machine.shift(seconds)
        if kind == "jwt":
            client = client_with(refresh(refresh_token)["access"])
        data = {"phone_number": f"+1201555{160 + seconds // 60:04}"}
        answer = client.post("/api/users/me/phone/get_verify_code/", data)
        assert answer.json()["current_code_required"] is is_asked


def test_a_profile_page_opens_after_a_change_of_password(zone, settings, use, sign_in, phone):
    use("session")
    settings.ROOT_URLCONF = "tests.pages.urls"
    get_user_model().objects.create_user(phone, "a password")
    client = sign_in(phone)

    def change(request):
        request.user.set_password("another password")
        request.user.save()
        update_session_auth_hash(request._request, request.user)

    Handler(client, change)
    assert client.get("/").status_code == 200
    assert UserSession.objects.filter(key=client.session.session_key).exists()
