"""What counts as a recent sign-in, by which a phone is changed without a code sent to the old one: this very one."""

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from phone_referrals.models import UserSession
from phone_referrals.tokens.session import SessionIssuer, mark_login
from tests.urls import urlpatterns as urls_of_the_site

pytestmark = pytest.mark.django_db

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
NEW = "+12015550150"

urlpatterns = [*urls_of_the_site, path("hijack/", include("hijack.urls"))]


def asks_the_old_phone(client):
    answer = client.post("/api/users/me/phone/get_verify_code/", {"phone_number": NEW})
    assert answer.status_code == 200, answer.content
    return answer.json()["current_code_required"]


@pytest.fixture
def staff():
    """A browser in which staff are signed in by password."""
    browser = Client()
    browser.user = get_user_model().objects.create_superuser("+12015550199")
    browser.force_login(browser.user, PASSWORD_BACKEND)
    return browser


@pytest.fixture
def owner(make_user):
    """A user who has signed in a moment ago, somewhere else."""
    user = make_user()
    user.last_login = timezone.now() - timedelta(seconds=5)
    user.save()
    return user


@pytest.mark.parametrize("kind", ["drf", "session"])
def test_a_sign_in_by_password_is_recent_for_its_session(use, owner, kind):
    use(kind)
    browser = Client()
    browser.force_login(owner, PASSWORD_BACKEND)
    assert asks_the_old_phone(browser) is False


@pytest.mark.parametrize("kind", ["drf", "session"])
def test_a_session_is_not_recent_by_a_sign_in_elsewhere(use, owner, time_machine, kind):
    use(kind)
    browser = Client()
    time_machine.move_to(timezone.now())
    browser.force_login(owner, PASSWORD_BACKEND)
    time_machine.shift(601)
    Client().force_login(owner, PASSWORD_BACKEND)
    assert asks_the_old_phone(browser) is True


@pytest.mark.parametrize("kind", ["drf", "session"])
def test_staff_who_hijack_have_not_signed_in(settings, use, staff, owner, kind):
    use(kind)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack"]
    settings.ROOT_URLCONF = __name__
    assert staff.post("/hijack/acquire/", {"user_pk": owner.pk}).status_code == 302
    assert staff.get("/api/users/me/").json()["id"] == owner.pk
    assert asks_the_old_phone(staff) is True


@pytest.mark.parametrize("kind", ["drf", "session"])
def test_a_session_given_another_user_was_begun_by_the_first(use, sign_in, phone, make_user, kind):
    """As tools do that keep the data of the session of staff."""
    use("session")
    client = sign_in(phone)
    use(kind)
    owner = make_user(7)
    session = client.session
    session.update({SESSION_KEY: str(owner.pk), HASH_SESSION_KEY: owner.get_session_auth_hash()})
    session[BACKEND_SESSION_KEY] = PASSWORD_BACKEND
    session.save()
    assert client.get("/api/users/me/").json()["id"] == owner.pk
    assert asks_the_old_phone(client) is True


def test_an_impersonated_user_is_shown_no_session_of_staff(use, sign_in, phone, make_user):
    use("session")
    client, owner = sign_in(phone), make_user(7)
    session = client.session
    session.update({SESSION_KEY: str(owner.pk), HASH_SESSION_KEY: owner.get_session_auth_hash()})
    session["phone_referrals_kept_as"] = "of before a change of password"
    session.save()
    assert client.get("/api/users/me/sessions/").json() == {"results": []}
    assert not UserSession.objects.filter(user=owner).exists()


def test_a_token_is_no_sign_in_to_the_session_beside_it(sign_in, phone, staff, last_code):
    """A browser of staff in which a phone is given a token."""
    before = dict(staff.session)
    staff.post("/api/users/get_verify_code/", {"phone_number": phone})
    staff.post("/api/users/auth/", {"phone_number": phone, "code": last_code(phone)})
    assert dict(staff.session) == before


@pytest.mark.parametrize("last_login", [None, timezone.now() - timedelta(days=1)])
def test_a_login_that_django_does_not_record_is_nobodys_sign_in(rf, make_user, last_login):
    user = make_user()
    user.last_login = last_login
    request = rf.get("/")
    request.session, request.user = {SESSION_KEY: str(user.pk)}, user
    mark_login(request=request, user=user)
    assert SessionIssuer(request).signed_in_at(request.user) is None
    user.last_login = timezone.now()
    assert SessionIssuer(request).signed_in_at(request.user)


def test_a_login_without_a_request_marks_nothing(make_user):
    mark_login(request=None, user=make_user())
