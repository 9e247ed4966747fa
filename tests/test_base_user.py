import getpass
import io

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import serializers as formats
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, models, transaction
from django.forms import modelform_factory
from django.test.utils import isolate_apps
from phonenumber_field.phonenumber import PhoneNumber
from rest_framework import serializers
from rest_framework.authtoken.models import Token

from phone_referrals.accounts import get_accounts
from phone_referrals.base_user import PhoneUserMixin
from phone_referrals.exceptions import InvalidPhoneNumber
from phone_referrals.phones import e164

pytestmark = pytest.mark.django_db

User = get_user_model()


def test_a_user_needs_a_phone_number_and_nothing_else(phone):
    user = User.objects.create_user("+1 (201) 555-0100")
    user.refresh_from_db()
    assert str(user.phone_number) == phone
    assert not user.has_usable_password()
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    user.full_clean(exclude=["password"])


def test_a_user_may_have_a_password(phone):
    assert User.objects.create_user(phone, "a password").check_password("a password")


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("field", "name", "text"),
    [
        ("code_name", "Rook", "Rook"),
        ("code_name", None, "+1 *** *** **00"),
        ("phone_number", None, "+1 *** *** **00"),
    ],
)
@isolate_apps("tests.hosts.phone_first")
def test_the_mixin_gives_a_text_to_users_of_django_s_base(phone, is_first, field, name, text):
    bases = (PhoneUserMixin, AbstractBaseUser) if is_first else (AbstractBaseUser, PhoneUserMixin)

    class Agent(*bases):
        code_name = models.CharField(max_length=9, unique=True, null=True, blank=True)
        USERNAME_FIELD = field

        class Meta:
            app_label = "phone_first"

    assert str(Agent(code_name=name, phone_number=phone)) == text
    assert str(Agent(pk=7)) == "7"


@isolate_apps("tests.hosts.phone_first")
def test_fixtures_name_nobody_who_has_no_name():
    class Agent(AbstractBaseUser, PhoneUserMixin):
        email = models.EmailField(unique=True, null=True, blank=True)
        USERNAME_FIELD = "email"

        class Meta:
            app_label = "phone_first"

    class Spy(Agent):
        class Meta:
            app_label = "phone_first"

        def natural_key(self):
            return ("spy",)

    assert Agent(email="a@example.com").natural_key() == ("a@example.com",)
    for email in (None, ""):
        with pytest.raises(
            ValueError, match=r"^phone_first\.Agent 7 has no email: dump without --natural-primary and "
        ):
            Agent(pk=7, email=email, phone_number="+12015550100").natural_key()
    assert Spy().natural_key() == ("spy",)


@isolate_apps("tests.hosts.phone_first")
def test_the_mixin_leaves_a_text_of_the_host_as_it_is():
    class Agent(AbstractBaseUser, PhoneUserMixin):
        USERNAME_FIELD = "phone_number"

        class Meta:
            app_label = "phone_first"

        def __str__(self):
            return "an agent"

    assert str(Agent()) == "an agent"


@pytest.mark.parametrize("number", [None, "", "123", "unknown"])
@pytest.mark.parametrize("create", ["create_user", "create_superuser"])
def test_a_user_with_no_phone_is_not_made(create, number):
    with pytest.raises(InvalidPhoneNumber):
        getattr(User.objects, create)(number)
    assert not User.objects.exists()


def test_a_phone_has_one_user_in_any_spelling(phone):
    User.objects.create_user(phone)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("+1 201-555-0100")


def test_any_number_of_users_may_have_no_phone_yet():
    for _ in range(2):
        User(password="!").save()
    assert User.objects.filter(phone_number=None).count() == 2


def test_a_form_left_empty_leaves_no_phone_and_not_an_empty_one():
    form = modelform_factory(User, fields=["phone_number"])
    for _ in range(2):
        filled = form({"phone_number": ""})
        assert filled.is_valid(), filled.errors
        filled.save()
    assert User.objects.filter(phone_number=None).count() == 2


def test_a_user_is_found_by_any_spelling_as_the_login_form_does(phone):
    user = User.objects.create_user(phone)
    assert User.objects.get_by_natural_key("+1 (201) 555-0100") == user


def test_a_user_is_named_by_a_masked_number(phone):
    user = User.objects.create_user(phone)
    assert str(user) == "+1 *** *** **00"
    assert repr(user) == "<User: +1 *** *** **00>"


def test_a_user_without_phone_is_named_by_its_key():
    user = User.objects.create(password="!")
    assert str(user) == str(user.pk)


# createsuperuser


class Terminal(io.StringIO):
    """Standard input, as the command wants it before it asks."""

    def isatty(self):
        return True


def create_superuser(monkeypatch, *, answers=(), passwords=(), **options):
    answers, passwords, out = iter(answers), iter(passwords), io.StringIO()
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    monkeypatch.setattr(getpass, "getpass", lambda *args: next(passwords))
    call_command("createsuperuser", stdin=Terminal(), stdout=out, stderr=out, **options)
    return User.objects.get(is_superuser=True), out.getvalue()


def test_createsuperuser_asks_for_phone_and_password(monkeypatch, phone):
    answers = ["123", "+1 (201) 555-0100"]
    user, out = create_superuser(monkeypatch, answers=answers, passwords=["Secret-and-long"] * 2)
    assert "Error" in out, "the first answer is no phone number"
    assert str(user.phone_number) == phone
    assert user.is_staff
    assert user.check_password("Secret-and-long")


def test_createsuperuser_asks_again_for_a_phone_that_is_taken(monkeypatch, phone, other_phone):
    User.objects.create_user(phone)
    user, out = create_superuser(monkeypatch, answers=[phone, other_phone], passwords=["Secret-and-long"] * 2)
    assert "already taken" in out
    assert str(user.phone_number) == other_phone


def test_createsuperuser_reads_the_password_from_environment(monkeypatch, phone):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "Secret-and-long")
    user, _ = create_superuser(monkeypatch, interactive=False, phone_number=phone)
    assert user.check_password("Secret-and-long")


def test_createsuperuser_without_questions_needs_no_password(monkeypatch, phone):
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setenv("DJANGO_SUPERUSER_PHONE_NUMBER", phone)
    user, _ = create_superuser(monkeypatch, interactive=False)
    assert str(user.phone_number) == phone
    assert user.is_staff
    assert not user.has_usable_password()


@pytest.mark.parametrize(
    ("options", "words"), [({}, "You must use --phone_number"), ({"phone_number": "123"}, "phone number")]
)
def test_createsuperuser_without_questions_says_what_is_wrong(monkeypatch, options, words):
    monkeypatch.delenv("DJANGO_SUPERUSER_PHONE_NUMBER", raising=False)
    with pytest.raises(CommandError, match=words):
        create_superuser(monkeypatch, interactive=False, **options)


# The models themselves


def test_the_mixin_is_one_nullable_column():
    """A host's migration must never change again because of us."""
    [column] = PhoneUserMixin._meta.local_fields
    _, path, _, kwargs = column.deconstruct()
    assert path == "phonenumber_field.modelfields.PhoneNumberField"
    assert {name: value for name, value in kwargs.items() if name != "verbose_name"} == {
        "max_length": 128,
        "region": None,
        "unique": True,
        "null": True,
        "blank": True,
    }


def test_a_phone_first_user_refers_to_nothing_of_ours():
    columns = [*User._meta.local_fields, *User._meta.local_many_to_many]
    assert "phone_referrals" not in str([column.deconstruct() for column in columns])


def test_a_number_of_no_phone_is_refused_by_validation():
    with pytest.raises(ValidationError, match="phone number"):
        User(phone_number="123").full_clean(exclude=["password"])


def test_rows_of_users_are_written_with_natural_keys(phone):
    user = get_user_model().objects.create_user(phone)
    written = formats.serialize("json", [Token.objects.create(user=user)], use_natural_foreign_keys=True)
    assert phone in written
    assert get_user_model().objects.get_by_natural_key(*user.natural_key()) == user


# What is stored


@pytest.mark.parametrize("setting", ["PHONENUMBER_DB_FORMAT", "PHONENUMBER_DEFAULT_FORMAT"])
@pytest.mark.parametrize("create", ["create_user", "create_superuser"])
def test_a_number_is_stored_as_e164_whatever_the_settings(settings, phone, setting, create):
    setattr(settings, setting, "NATIONAL")
    user = getattr(User.objects, create)(PhoneNumber.from_string(phone))
    assert stored(user) == phone
    user.refresh_from_db()
    assert e164(user.phone_number) == phone
    user.save()
    assert stored(user) == phone
    assert User.objects.get_by_natural_key(phone) == user


def stored(user):
    """Return the text in the database, as no field has read it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT phone_number FROM {User._meta.db_table} WHERE id = %s", [user.pk])  # noqa: S608
        return cursor.fetchone()[0]


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("phone_number",)


def by_serializer():
    serializer = UserSerializer(data={"phone_number": ""})
    serializer.is_valid(raise_exception=True)
    serializer.save()


WAYS = {
    "a serializer": by_serializer,
    "save": lambda: User(phone_number="").save(),
    "create": lambda: User.objects.create(phone_number=""),
    "bulk_create": lambda: User.objects.bulk_create([User(phone_number="")]),
    "update": lambda: User.objects.filter(pk=User.objects.create().pk).update(phone_number=""),
    "bulk_update": lambda: User.objects.bulk_update([empty(User.objects.create())], ["phone_number"]),
}


def empty(user):
    user.phone_number = ""
    return user


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_an_empty_phone_is_stored_as_null_by_every_path(write):
    write()
    write()
    assert User.objects.filter(phone_number=None).count() == 2
    assert not User.objects.filter(phone_number="").exists(), "nobody is found by an empty phone"
    assert get_accounts().find("") is None
    assert authenticate(phone_number="", password="") is None


def test_an_invalid_number_is_stored_as_it_is_written():
    assert stored(User.objects.create(phone_number="+1 999")) == "+1 999"
    assert stored(User.objects.create(phone_number=PhoneNumber(country_code=1, national_number=999))) == "+1999"
