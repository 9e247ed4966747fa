import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from phone_referrals import signals
from phone_referrals.accounts import PhoneAccounts
from phone_referrals.exceptions import AccountDisabled, InvalidCode, SignInRefused, StaffNotAllowed
from phone_referrals.models import PhoneVerification, ReferralCode
from phone_referrals.signin import sign_in as module
from phone_referrals.signin.sign_in import sign_in
from phone_referrals.tokens import DRFTokenIssuer, get_issuer
from phone_referrals.tokens.session import SessionIssuer
from tests.codes import wrong

pytestmark = pytest.mark.django_db


@pytest.fixture
def received():
    """The signals received in this test, as (signal, keywords)."""
    calls = []
    every = {
        "logged_in": user_logged_in,
        "login_failed": user_login_failed,
        "signed_up": signals.user_signed_up,
    }
    receivers = []
    for name, signal in every.items():

        def receive(name=name, **keywords):
            calls.append((name, keywords))

        receivers.append((signal, receive))
        signal.connect(receive)
    yield calls
    for signal, receive in receivers:
        signal.disconnect(receive)


def names(received):
    return [name for name, _ in received]


def test_the_first_sign_in_makes_user_and_token(phone, send_code):
    signed_in = sign_in(phone_number=phone, code=send_code(phone))
    assert signed_in.created
    assert str(signed_in.user.phone_number) == phone
    assert signed_in.token == {"token": Token.objects.get(user=signed_in.user).key}
    assert not signed_in.user.has_usable_password()
    # It is made when it is first needed.
    assert not ReferralCode.objects.exists()


def test_later_sign_ins_find_them(phone, send_code):
    first = sign_in(phone_number=phone, code=send_code(phone))
    second = sign_in(phone_number=phone, code=send_code(phone))
    assert not second.created
    assert second.user == first.user
    assert second.token == first.token


def test_no_user_exists_before_the_phone_is_proven(phone, send_code):
    code = send_code(phone)
    with pytest.raises(InvalidCode):
        sign_in(phone_number=phone, code=wrong(code))
    assert not get_user_model().objects.exists()


@pytest.mark.django_db(transaction=True)
def test_signals_tell_what_has_happened(rf, phone, send_code, received):
    request = rf.post("/")
    owner = sign_in(issuer=get_issuer(request), phone_number=phone, code=send_code(phone)).user
    assert names(received) == ["signed_up", "logged_in"]
    for _, keywords in received:
        assert (keywords["user"], keywords["request"], keywords["sender"]) == (owner, request, type(owner))
    received.clear()
    sign_in(issuer=get_issuer(request), phone_number=phone, code=send_code(phone))
    assert names(received) == ["logged_in"]


def test_a_wrong_code_is_a_failed_login_of_that_phone(rf, phone, send_code, received):
    request = rf.post("/")
    with pytest.raises(InvalidCode):
        sign_in(issuer=get_issuer(request), phone_number=phone, code=wrong(send_code(phone)))
    ((name, keywords),) = received
    assert name == "login_failed"
    assert keywords["credentials"] == {"phone_number": phone, "secret_code": "*" * 20}
    assert keywords["request"] is request


def test_signing_in_notes_the_time(phone, send_code):
    user = sign_in(phone_number=phone, code=send_code(phone)).user
    user.refresh_from_db()
    assert user.last_login is not None


@pytest.mark.parametrize(
    ("attributes", "refusal"), [({"is_active": False}, AccountDisabled), ({"is_staff": True}, StaffNotAllowed)]
)
def test_who_may_not_sign_in_gets_no_token(phone, make_user, send_code, received, attributes, refusal):
    user = make_user()
    vars(user).update(attributes)
    user.save()
    with pytest.raises(refusal):
        sign_in(phone_number=phone, code=send_code(phone))
    assert names(received) == ["login_failed"]
    assert not Token.objects.exists()


def test_a_user_made_meanwhile_by_another_request_is_signed_in(phone, make_user, send_code, monkeypatch):
    code = send_code(phone)
    real = PhoneAccounts.find
    answers = iter([lambda: None])

    def find_nobody_at_first(self, phone_number):
        if next(answers, None):
            make_user()
            return None
        return real(self, phone_number)

    monkeypatch.setattr(PhoneAccounts, "find", find_nobody_at_first)
    signed_in = sign_in(phone_number=phone, code=code)
    assert not signed_in.created
    assert get_user_model().objects.get() == signed_in.user


def test_a_disabled_user_made_meanwhile_is_refused(phone, make_user, send_code, monkeypatch):
    code = send_code(phone)
    user = make_user()
    user.is_active = False
    user.save()
    real = PhoneAccounts.find
    nobody = [None]
    monkeypatch.setattr(
        PhoneAccounts, "find", lambda self, phone_number: nobody.pop() if nobody else real(self, phone_number)
    )
    with pytest.raises(AccountDisabled):
        sign_in(phone_number=phone, code=code)


def refuse(*args, **kwargs):
    raise IntegrityError("NOT NULL constraint failed: users.email")


@pytest.mark.parametrize(
    "place", ["phone_referrals.accounts.PhoneAccounts.create", "tests.hosts.phone_first.models.User.save"]
)
def test_a_database_that_refuses_new_users_tells_the_developer(phone, send_code, monkeypatch, place):
    monkeypatch.setattr(place, refuse)
    with pytest.raises(ImproperlyConfigured, match="refused a new user") as error:
        sign_in(phone_number=phone, code=send_code(phone))
    # Nothing of the row, which the words of some databases quote.
    assert error.value.__context__ is None


def fail(*args, **kwargs):
    raise RuntimeError


@pytest.mark.django_db(transaction=True)
def test_user_and_token_are_made_together_or_not_at_all(phone, send_code, monkeypatch, received):
    monkeypatch.setattr(DRFTokenIssuer, "issue", fail)
    with pytest.raises(RuntimeError):
        sign_in(phone_number=phone, code=send_code(phone))
    assert not get_user_model().objects.exists()
    assert not Token.objects.exists()
    assert received == []


@pytest.mark.django_db(transaction=True)
def test_the_code_is_used_up_even_if_what_follows_fails(phone, send_code, monkeypatch):
    code = send_code(phone)
    monkeypatch.setattr(DRFTokenIssuer, "issue", fail)
    with pytest.raises(RuntimeError):
        sign_in(phone_number=phone, code=code)
    assert PhoneVerification.objects.get().serial is None


def test_a_backend_that_refuses_leaves_no_user_and_is_told_once(phone, send_code, settings, received):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    with pytest.raises(SignInRefused):
        sign_in(phone_number=phone, code=send_code(phone))
    assert not get_user_model().objects.exists()
    assert names(received) == ["login_failed"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("issuer", [DRFTokenIssuer, SessionIssuer])
def test_a_user_who_is_deleted_meanwhile_is_refused(
    phone, make_user, send_code, request_with_session, monkeypatch, issuer
):
    make_user()

    def deleted(request, phone_number, secret_code):
        user = secret_code.user
        user.backend = settings.AUTHENTICATION_BACKENDS[0]
        get_user_model().objects.all().delete()
        return user

    monkeypatch.setattr(module, "authenticate", deleted)
    with pytest.raises(AccountDisabled):
        sign_in(phone_number=phone, code=send_code(phone), issuer=issuer(request_with_session))


def test_a_database_error_for_a_known_user_is_not_hidden(phone, make_user, send_code, monkeypatch):
    make_user()
    monkeypatch.setattr(DRFTokenIssuer, "issue", refuse)
    with pytest.raises(IntegrityError, match=r"users\.email"):
        sign_in(phone_number=phone, code=send_code(phone))


# By session


@pytest.fixture
def request_with_session(rf):
    request = rf.post("/")
    request.session = SessionStore()
    request.session["kept"] = "from before"
    request.session.create()
    request.user = AnonymousUser()
    return request


def test_a_session_begins_in_place_of_a_token(phone, send_code, request_with_session, received):
    before = request_with_session.session.session_key
    signed_in = sign_in(phone_number=phone, code=send_code(phone), issuer=SessionIssuer(request_with_session))

    assert signed_in.token == {"token": None}
    assert not Token.objects.exists()
    assert request_with_session.user == signed_in.user
    assert request_with_session.session[SESSION_KEY] == str(signed_in.user.pk)
    assert request_with_session.session.session_key != before
    assert request_with_session.session["kept"] == "from before"
    assert names(received).count("logged_in") == 1


@pytest.mark.parametrize(
    ("attributes", "refusal"), [({"is_active": False}, AccountDisabled), ({"is_staff": True}, StaffNotAllowed)]
)
def test_who_may_not_sign_in_gets_no_session(
    phone, make_user, send_code, request_with_session, received, attributes, refusal
):
    user = make_user()
    vars(user).update(attributes)
    user.save()
    with pytest.raises(refusal):
        sign_in(phone_number=phone, code=send_code(phone), issuer=SessionIssuer(request_with_session))
    assert SESSION_KEY not in request_with_session.session
    assert names(received) == ["login_failed"]


# Statements: as many as the design says, whatever there is in the database.


def count_without_savepoints(captured):
    return len([query for query in captured if "SAVEPOINT" not in query["sql"]])


@pytest.mark.parametrize(("known", "count"), [(True, 6), (False, 7)])
def test_a_sign_in_has_few_statements(phone, make_user, send_code, known, count):
    if known:
        make_user()
        sign_in(phone_number=phone, code=send_code(phone))
    code = send_code(phone)
    with CaptureQueriesContext(connection) as captured:
        sign_in(phone_number=phone, code=code)
    assert count_without_savepoints(captured) == count, [query["sql"] for query in captured]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["issue", "announce"])
def test_a_user_who_is_deleted_while_signing_in_is_refused(phone, send_code, make_user, monkeypatch, moment):
    make_user(0)
    delete = lambda *args, **keywords: get_user_model().objects.all().delete()  # noqa: E731
    issue = DRFTokenIssuer.issue

    def delete_and_issue(issuer, *args, **keywords):
        if moment == "issue":
            delete()
            return issue(issuer, *args, **keywords)
        token = issue(issuer, *args, **keywords)
        delete()
        return token

    monkeypatch.setattr(DRFTokenIssuer, "issue", delete_and_issue)
    with pytest.raises(AccountDisabled):
        sign_in(phone_number=phone, code=send_code(phone))


@pytest.mark.django_db(transaction=True)
def test_a_database_error_is_told_while_there_is_the_user(phone, send_code, make_user, monkeypatch):
    make_user(0)

    def broken(*args, **keywords):
        raise DatabaseError

    monkeypatch.setattr(DRFTokenIssuer, "issue", broken)
    with pytest.raises(DatabaseError):
        sign_in(phone_number=phone, code=send_code(phone))
