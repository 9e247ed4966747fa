import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User as AuthUser
from django.db import IntegrityError, transaction

from phone_referrals import accounts as accounts_module
from phone_referrals.accounts import PhoneAccounts, get_accounts, lock, username_of
from tests.hosts.phone_first.models import Member, Profile

pytestmark = pytest.mark.django_db

User = get_user_model()


@pytest.fixture(params=["phone_number", "profile__phone"])
def column(request, settings):
    """The column of the user itself, then one of a model beside it."""
    settings.PHONE_REFERRALS_PHONE_FIELD = request.param
    return request.param


@pytest.fixture
def accounts():
    return get_accounts()


def test_a_user_is_made_and_found_by_phone(column, accounts, phone, other_phone):
    user = accounts.create(phone)
    assert accounts.find(phone) == User.objects.get() == user
    assert accounts.find(other_phone) is None
    assert accounts.phone_of(user) == accounts.phone_of(User.objects.get()) == phone
    assert user._meta.model.objects.filter(**{column: phone}).exists()
    assert not user.has_usable_password()


def test_only_the_phone_of_the_related_model_counts(settings, accounts, phone, other_phone, monkeypatch):
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    user = accounts.create(phone)
    assert str(Profile.objects.get(user=user).phone) == phone
    user.phone_number = other_phone
    user.save()
    assert accounts.find(other_phone) is None
    assert accounts.phone_of(user) == phone


def test_a_phone_is_not_given_twice(column, accounts, phone):
    accounts.create(phone)
    with pytest.raises(IntegrityError), transaction.atomic():
        accounts.create(phone)
    assert User.objects.count() == 1


def test_a_phone_is_changed(column, accounts, phone, other_phone):
    user = accounts.create(phone)
    accounts.set_phone(user, other_phone)
    assert accounts.find(phone) is None
    assert accounts.find(other_phone) == user
    assert accounts.phone_of(user) == other_phone


def test_a_phone_of_somebody_else_is_not_given(column, accounts, phone, other_phone):
    accounts.create(phone)
    user = accounts.create(other_phone)
    with pytest.raises(IntegrityError), transaction.atomic():
        accounts.set_phone(user, phone)
    assert accounts.phone_of(accounts.find(other_phone)) == other_phone


def test_a_user_who_has_no_phone_yet_is_given_one(column, accounts, phone):
    user = User.objects.create(password="!")
    assert accounts.phone_of(user) == ""
    accounts.set_phone(user, phone)
    assert accounts.find(phone) == user


def test_disabled_users_are_found_too(column, accounts, phone):
    user = accounts.create(phone)
    user.is_active = False
    user.save()
    assert accounts.find(phone) == user


def test_users_and_their_phones_are_read_at_once(column, accounts, make_user, django_assert_num_queries):
    for number in range(3):
        make_user(number)
    with django_assert_num_queries(1):
        phones = [accounts.phone_of(user) for user in accounts.join(User.objects.order_by("pk"))]
    assert phones == [f"+1201555010{number}" for number in range(3)]
    with django_assert_num_queries(1):
        accounts.phone_of(accounts.find("+12015550100"))


def test_phones_are_read_at_once_from_rows_that_have_a_user(column, accounts, make_user, django_assert_num_queries):
    for number in range(2):
        user = make_user(number)
        if column == "phone_number":
            Profile.objects.create(user=user, phone=f"+1201555011{number}")
    with django_assert_num_queries(1):
        profiles = list(accounts.join(Profile.objects.order_by("pk"), prefix="user"))
        assert [accounts.phone_of(profile.user) for profile in profiles] == ["+12015550100", "+12015550101"]


def test_a_required_username_tells_nothing_of_the_phone(settings, accounts, phone, other_phone):
    settings.AUTH_USER_MODEL = "phone_first.Member"
    member, other = accounts.create(phone), accounts.create(other_phone)
    assert isinstance(member, Member)
    assert len(member.username) == 32
    assert phone.removeprefix("+") not in member.username
    assert member.username != other.username
    assert accounts.find(phone) == member


def test_a_user_hidden_by_the_hosts_manager_holds_its_phone(settings, accounts, phone):
    settings.AUTH_USER_MODEL = "phone_first.Member"
    member = accounts.create(phone)
    member.has_left = True
    member.save()
    assert not Member.objects.exists()
    assert accounts.find(phone) == member


def test_a_user_stored_in_another_format_is_not_made_again(settings, accounts, phone, sign_in, monkeypatch):
    settings.PHONENUMBER_DB_FORMAT = "INTERNATIONAL"
    user = accounts.create(phone)
    monkeypatch.setattr(PhoneAccounts, "create", None)
    assert sign_in(phone).answer["user"]["id"] == user.pk


def test_a_user_without_a_password_is_locked(settings, make_user):
    profile = Profile.objects.create(user=make_user(), phone="+12015550110")
    settings.AUTH_USER_MODEL = "phone_first.Profile"  # It has none.
    with transaction.atomic():
        assert lock(profile) == profile


class HostAccounts(PhoneAccounts):
    """A specimen: all users of this host are staff."""

    def create(self, phone_number):
        return User.objects.create_superuser(phone_number)


def test_a_host_makes_users_in_its_own_way(settings, phone):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.HostAccounts"
    assert get_accounts().create(phone).is_superuser
    assert get_accounts().phone_of(get_accounts().find(phone)) == phone


def test_signing_in_works_with_a_column_of_either_place(column, sign_in, phone):
    client = sign_in(phone)
    assert client.answer["created"] is True
    assert client.get("/api/users/me/").json()["phone_number"] == phone
    assert get_accounts().find(phone) == User.objects.get()


@pytest.mark.parametrize(("length", "filled"), [(150, 32), (20, 20), (8, 8), (None, 32)])
@pytest.mark.parametrize("field", ["username", "phone_number"])
def test_a_required_username_is_filled_to_its_length(settings, monkeypatch, length, filled, field):
    settings.AUTH_USER_MODEL = "phone_first.Member"
    monkeypatch.setattr(Member._meta.get_field("username"), "max_length", length)
    monkeypatch.setattr(Member, "USERNAME_FIELD", field)
    users = [get_accounts().create(f"+1201555010{number}") for number in range(2)]
    assert [len(user.username) for user in users] == [filled, filled]
    assert users[0].username != users[1].username


@pytest.mark.parametrize(("name", "value"), [("null", True), ("max_length", 7), ("default", "x")])
def test_a_username_that_is_filled_by_others_is_left(settings, monkeypatch, name, value):
    settings.AUTH_USER_MODEL = "phone_first.Member"
    monkeypatch.setattr(Member._meta.get_field("username"), name, value)
    assert username_of(Member) is None


def test_a_user_found_by_a_national_number_is_not_its_owner(settings):
    """`PHONENUMBER_DB_FORMAT = "NATIONAL"`, which a check refuses: two owners of one text."""
    settings.PHONENUMBER_DB_FORMAT, settings.PHONENUMBER_DEFAULT_REGION = "NATIONAL", "AE"
    settings.PHONE_REFERRALS_PHONE_FIELD = "profile__phone"
    Profile.objects.create(user=get_user_model().objects.create(), phone="+971501234567")
    assert get_accounts().find("+971501234567")
    assert get_accounts().find("+380501234567") is None


# Who may sign in


@pytest.fixture
def hiding(monkeypatch):
    """Let the host's default manager hide all users but those that are `shown`."""

    def hiding(**shown):
        rows = get_user_model().objects.filter(**shown)
        monkeypatch.setattr(get_user_model()._default_manager, "get_queryset", rows.all)

    return hiding


@pytest.mark.parametrize(("shown", "may"), [({"is_staff": False}, True), ({"is_staff": True}, False)])
def test_a_user_whom_the_default_manager_hides_may_not_sign_in(make_user, hiding, shown, may):
    user = make_user()
    hiding(**shown)
    assert get_accounts().may_sign_in(user) is may


def test_users_without_a_flag_may_sign_in(settings):
    settings.AUTH_USER_MODEL = "phone_first.Profile"
    assert not hasattr(Profile, "is_active")
    assert PhoneAccounts().may_sign_in(Profile())


@pytest.mark.parametrize(
    ("installed", "answers", "expected"),
    [
        (set(), {}, False),
        ({"allauth.mfa"}, {"allauth.mfa.utils.is_mfa_enabled": True}, True),
        ({"allauth.mfa"}, {"allauth.mfa.utils.is_mfa_enabled": False}, False),
        ({"django_otp"}, {"django_otp.user_has_device": True}, True),
        ({"django_otp"}, {"django_otp.user_has_device": False}, False),
    ],
)
def test_a_second_factor_is_looked_for_where_there_may_be_one(monkeypatch, installed, answers, expected):
    """The packages themselves are asked in `tests/adoption/flow_second_factor.py`."""
    monkeypatch.setattr(accounts_module.apps, "is_installed", installed.__contains__)
    monkeypatch.setattr(accounts_module, "import_string", lambda path: lambda user: answers[path])
    assert PhoneAccounts().has_second_factor(None) is expected


# How other people see a user


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"email": "john@example.com", "username": "john"}, "j***@example.com"),
        ({"email": "j@example.com"}, "***@example.com"),
        ({"email": '"a@b"@example.com'}, '"***@example.com'),
        ({"email": "john@"}, "j***@"),
        ({"email": "@example.com", "username": ""}, "***@example.com"),
        ({"email": "", "username": "alice"}, "al***"),
        ({"email": None, "username": "al"}, "a***"),
        ({"username": "a"}, "***"),
        ({"username": "alice@example.com"}, "a***@example.com"),
        ({"username": "12015550100"}, "12***"),
        ({"username": ""}, "#7"),
        ({"username": None}, "#7"),
    ],
)
def test_a_user_without_a_phone_is_shown_masked(values, shown):
    assert get_accounts().display_name(AuthUser(pk=7, **values)) == shown


def test_a_user_with_a_phone_is_shown_by_it(column, accounts, phone, other_phone):
    user = accounts.create(phone)
    user.email = "john@example.com"
    assert accounts.display_name(user) == "+1 *** *** **00"


def test_a_user_of_any_model_has_a_display_name(settings):
    settings.PHONE_REFERRALS_PHONE_FIELD = "nothing__phone"
    assert get_accounts().display_name(Profile(pk=7)) == "#7"


class NamingAccounts(PhoneAccounts):
    def display_name(self, user):
        return f"Member {user.pk}"


def test_a_host_shows_people_in_its_own_way(settings):
    settings.PHONE_REFERRALS_ACCOUNTS = f"{__name__}.NamingAccounts"
    assert get_accounts().display_name(User(pk=7)) == "Member 7"
