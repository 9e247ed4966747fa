import logging

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.transaction import TransactionManagementError
from django.views.debug import ExceptionReporter

from phone_referrals.accounts import PhoneAccounts
from phone_referrals.exceptions import AccountDisabled, CodeExpired, InvalidCode, SecondFactorRequired, StaffNotAllowed
from phone_referrals.models import PhoneVerification
from phone_referrals.signals import user_signed_up
from phone_referrals.signin.backend import Proof, prove
from phone_referrals.signin.verification import check_code, request_code
from tests.codes import wrong

pytestmark = pytest.mark.django_db

User = get_user_model()


@pytest.fixture(params=[authenticate, async_to_sync(aauthenticate)], ids=["authenticate", "aauthenticate"])
def authenticated(request):
    """Call Django's function, or its asynchronous twin, as any site does."""
    return lambda **credentials: request.param(None, **credentials)


@pytest.fixture
def heard():
    """Connect a list to a signal; what is sent is kept in it."""
    connected = []

    def heard(signal):
        calls = []

        def receiver(sender, signal, **kwargs):
            calls.append(kwargs)

        signal.connect(receiver)
        connected.append((signal, receiver))
        return calls

    yield heard
    for signal, receiver in connected:
        signal.disconnect(receiver)


# Who is signed in


def test_the_code_of_a_known_phone_gives_its_user(authenticated, make_user, phone, send_code):
    user = make_user()
    assert authenticated(phone_number=phone, secret_code=send_code(phone)) == user


def test_the_code_of_a_new_phone_makes_its_user(authenticated, phone, send_code):
    user = authenticated(phone_number=phone, secret_code=send_code(phone))
    assert user == User.objects.get()
    assert str(user.phone_number) == phone
    assert not user.has_usable_password()
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)


@pytest.mark.parametrize("spelling", ["+1 (201) 555-0100", "tel:+1-201-555-0100", "\uff0b\uff11 201 555 0100"])
def test_the_phone_may_be_spelled_in_any_way(make_user, phone, send_code, spelling):
    user = make_user()
    assert authenticate(None, phone_number=spelling, secret_code=send_code(phone)) == user


def test_a_user_can_be_logged_in_to_a_session(client, make_user, phone, send_code):
    user = make_user()
    code = send_code(phone)
    assert client.login(phone_number=phone, secret_code=code)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.session["_auth_user_backend"] == "phone_referrals.signin.backend.PhoneCodeBackend"
    client.logout()
    assert not client.login(phone_number=phone, secret_code=code), "a code signs in once"


# Who is not


def test_a_wrong_code_gives_nobody_and_counts(authenticated, make_user, phone, send_code):
    make_user()
    code = send_code(phone)
    assert authenticated(phone_number=phone, secret_code=wrong(code)) is None
    assert PhoneVerification.objects.get().wrong_guesses_since_success == 1


@pytest.mark.parametrize(
    "credentials",
    [
        {"phone_number": "+12015550100", "secret_code": "000000"},
        {"phone_number": "+12015550100", "secret_code": 0},
        {"phone_number": "+12015550100", "secret_code": ""},
        {"phone_number": "+12015550100", "secret_code": "🔑"},
        {"phone_number": "not a number", "secret_code": "000000"},
        {"phone_number": "", "secret_code": "000000"},
        {"phone_number": "+12015550100", "secret_code": None},
        {"phone_number": None, "secret_code": "000000"},
        {"phone_number": "+12015550100"},
        {"username": "+12015550100", "secret_code": "000000"},
    ],
)
def test_other_credentials_give_nobody(make_user, credentials):
    make_user()
    assert authenticate(None, **credentials) is None
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("column", "refusal"),
    [("is_active", AccountDisabled), ("is_staff", StaffNotAllowed), ("is_superuser", StaffNotAllowed)],
)
def test_the_disabled_and_the_staff_are_refused_after_the_proof(
    authenticated, make_user, phone, send_code, column, refusal
):
    user = make_user()
    setattr(user, column, not getattr(user, column))
    user.save()
    code = send_code(phone)
    with pytest.raises(InvalidCode):
        prove(phone_number=phone, code=wrong(code))
    assert authenticated(phone_number=phone, secret_code=code) is None
    with pytest.raises(CodeExpired):
        prove(phone_number=phone, code=code)

    PhoneVerification.objects.clear()
    with pytest.raises(refusal):
        prove(phone_number=phone, code=send_code(phone))


@pytest.mark.parametrize("column", ["is_staff", "is_superuser"])
def test_staff_sign_in_where_the_site_allows_it(settings, make_user, phone, send_code, column):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    user = make_user()
    setattr(user, column, True)
    user.save()
    assert authenticate(None, phone_number=phone, secret_code=send_code(phone)) == user


def test_the_disabled_are_refused_also_where_staff_are_allowed(settings, make_user, phone, send_code):
    settings.PHONE_REFERRALS_ALLOW_STAFF = True
    user = make_user()
    user.is_active, user.is_staff = False, True
    user.save()
    with pytest.raises(AccountDisabled):
        prove(phone_number=phone, code=send_code(phone))


def test_users_without_flags_are_admitted(settings, phone, send_code):
    settings.AUTH_USER_MODEL = "phone_first.Member"
    member = authenticate(None, phone_number=phone, secret_code=send_code(phone))
    assert member._meta.label == "phone_first.Member"
    assert authenticate(None, phone_number=phone, secret_code=None) is None


def test_passwords_go_on_working_beside_it(phone):
    user = User.objects.create_user(phone, "a password")
    assert authenticate(None, phone_number=phone, password="a password") == user
    assert authenticate(None, username=phone, password="a password") == user
    assert authenticate(None, username=phone, password="another") is None


def test_it_grants_the_permissions_of_the_model_backend(settings, make_user):
    settings.AUTHENTICATION_BACKENDS = ["phone_referrals.signin.backend.PhoneCodeBackend"]
    user = make_user()
    assert not user.has_perm("phone_first.view_user")
    user.is_superuser = True
    assert user.has_perm("phone_first.view_user")


def test_inside_a_transaction_only_the_caller_is_told(authenticated, phone, send_code):
    code = send_code(phone)
    with transaction.atomic(), pytest.raises(TransactionManagementError, match="non_atomic_requests"):
        authenticated(phone_number=phone, secret_code=code)
    check_code(phone_number=phone, code=code)


# Proofs


def test_a_proof_gives_its_user_inside_a_transaction_too(make_user, phone, send_code):
    user = make_user()
    proof = prove(phone_number=phone, code=send_code(phone))
    with transaction.atomic():
        assert authenticate(None, phone_number=phone, secret_code=proof) == user


def test_a_proof_of_a_new_phone_makes_its_user(phone, send_code):
    proof = prove(phone_number=phone, code=send_code(phone))
    assert proof.user is None
    with transaction.atomic():
        assert str(authenticate(None, phone_number=phone, secret_code=proof).phone_number) == phone


def test_a_proof_does_not_show_the_phone():
    assert "+12015550100" not in repr(Proof(phone_number="+12015550100"))


# What others are told


def test_a_failed_sign_in_is_told_with_the_code_masked(authenticated, heard, phone, send_code):
    code = send_code(phone)
    failed = heard(user_login_failed)
    authenticated(phone_number=phone, secret_code=wrong(code))
    assert [call["credentials"]["secret_code"] for call in failed] == ["*" * 20]
    assert code not in str(failed)
    assert wrong(code) not in str(failed)


def test_the_api_tells_of_sign_ins_as_django_does(heard, api, phone, send_code):
    logged_in, failed = heard(user_logged_in), heard(user_login_failed)
    code = send_code(phone)
    api.post("/api/users/auth/", {"phone_number": phone, "code": wrong(code)})
    assert [call["credentials"] for call in failed] == [{"phone_number": phone, "secret_code": "*" * 20}]
    assert failed[0]["request"].path == "/api/users/auth/"
    assert logged_in == []

    api.post("/api/users/auth/", {"phone_number": phone, "code": code})
    assert [call["user"] for call in logged_in] == [User.objects.get()]
    assert logged_in[0]["request"].path == "/api/users/auth/"
    assert len(failed) == 1
    assert User.objects.get().last_login is not None


def test_a_sign_up_is_told_once_and_on_commit(
    authenticated, heard, django_capture_on_commit_callbacks, phone, send_code
):
    signed_up = heard(user_signed_up)
    with django_capture_on_commit_callbacks() as callbacks:
        user = authenticated(phone_number=phone, secret_code=send_code(phone))
    assert signed_up == []
    for callback in callbacks:
        callback()
    assert signed_up == [{"user": user, "request": None}]
    PhoneVerification.objects.clear()
    with django_capture_on_commit_callbacks(execute=True):
        authenticated(phone_number=phone, secret_code=send_code(phone))
    assert len(signed_up) == 1


def test_a_refusal_is_logged_by_its_code_without_secrets(caplog, phone, send_code):
    caplog.set_level(logging.DEBUG)
    code = send_code(phone)
    caplog.clear()
    authenticate(None, phone_number=phone, secret_code=wrong(code))
    authenticate(None, phone_number="123", secret_code=code)
    assert [each.getMessage() for each in caplog.records if each.name == "phone_referrals"] == [
        "Sign-in by phone refused: invalid_code",
        "Sign-in by phone refused: invalid_phone_number",
    ]
    assert phone not in caplog.text
    assert phone[2:] not in caplog.text
    assert code not in caplog.text


# Another request in between, step by step


class OvertakenAccounts(PhoneAccounts):
    """Another request signs the phone up right after it was looked for."""

    active = True

    def find(self, phone_number):
        found = super().find(phone_number)
        if found is None:
            User.objects.create_user(phone_number, is_active=self.active)
        return found


class OvertakenByDisabledAccounts(OvertakenAccounts):
    active = False


class FullAccounts(PhoneAccounts):
    def create(self, phone_number):
        msg = "a rule of the host's database"
        raise IntegrityError(msg)


@pytest.mark.parametrize(("accounts", "admitted"), [(OvertakenAccounts, True), (OvertakenByDisabledAccounts, False)])
def test_a_user_whom_another_request_has_just_made_is_signed_in(settings, phone, send_code, accounts, admitted):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.{accounts.__name__}"
    user = authenticate(None, phone_number=phone, secret_code=send_code(phone))
    assert user == (User.objects.get() if admitted else None)
    assert User.objects.count() == 1


def test_a_user_that_the_database_refuses_is_a_site_error(settings, phone, send_code):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.FullAccounts"
    with pytest.raises(ImproperlyConfigured, match="refused a new user") as error:
        authenticate(None, phone_number=phone, secret_code=send_code(phone))
    # Nothing of the row, which the words of some databases quote.
    assert error.value.__context__ is None


@pytest.mark.parametrize("number", [12015550100, ["+12015550100"], {}])
def test_what_is_no_text_is_no_phone(authenticated, number):
    assert authenticated(phone_number=number, secret_code="123456") is None


def test_what_is_no_unicode_is_no_code(authenticated, phone, send_code):
    send_code(phone)
    assert authenticated(phone_number=phone, secret_code="\ud800") is None


def test_the_report_of_an_async_sign_in_shows_no_code(phone, send_code):
    code = send_code(phone)
    with transaction.atomic(), pytest.raises(TransactionManagementError) as crash:
        async_to_sync(aauthenticate)(None, phone_number=phone, secret_code=code)
    # Without the frame of this test, which knows the code.
    report = ExceptionReporter(None, crash.type, crash.value, crash.tb.tb_next).get_traceback_html()
    assert code not in report


@pytest.mark.django_db(transaction=True)
def test_a_sign_up_stands_whatever_a_receiver_does(phone, send_code, caplog):
    def receiver(**kwargs):
        msg = "a bug of the host"
        raise RuntimeError(msg)

    user_signed_up.connect(receiver)
    try:
        user = authenticate(None, phone_number=phone, secret_code=send_code(phone))
    finally:
        user_signed_up.disconnect(receiver)
    assert user == get_user_model().objects.get()
    assert "RuntimeError: a bug of the host" in caplog.text


def test_a_second_factor_is_asked_for_wherever_a_phone_signs_in(settings, authenticated, make_user, phone, send_code):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.CarefulAccounts"
    make_user()
    assert authenticated(phone_number=phone, secret_code=send_code(phone)) is None
    PhoneVerification.objects.clear()
    with pytest.raises(SecondFactorRequired):
        prove(phone_number=phone, code=send_code(phone))


class CarefulAccounts(PhoneAccounts):
    def has_second_factor(self, user):
        return True


def test_authenticate_takes_the_handle_of_the_message(rf, phone, last_code):
    request_id = request_code(phone_number=phone, host="example.com").request_id
    for _ in range(11):
        authenticate(rf.post("/"), phone_number=phone, secret_code="no code")
    credentials = {"phone_number": phone, "secret_code": last_code(phone)}
    assert authenticate(rf.post("/"), **credentials) is None
    assert authenticate(rf.post("/"), **credentials, request_id=request_id).phone_number == phone
