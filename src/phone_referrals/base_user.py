"""Base classes for user models: a mixin of one column, and a complete phone-first user."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field import modelfields
from phonenumber_field.phonenumber import PhoneNumber, to_python

from phone_referrals import phones

MILLISECOND = timedelta(milliseconds=1)


def text_of(user: Any) -> str:
    """Return the user name, or the masked phone, or the key."""
    # Masked, because this text goes into logs, the admin's history and error reports.
    name = user.get_username() if user.USERNAME_FIELD != "phone_number" else None
    return str(name or phones.mask(phones.e164(user.phone_number)) or user.pk)


def natural_key_of(user: Any) -> tuple[Any, ...]:
    """Return the natural key as Django does; raises `ValueError` for a user without one.

    Otherwise `loaddata` would make one user of all users without an e-mail address, and mix up their referrals.
    """
    name = user.get_username()
    if name:
        return (name,)
    raise ValueError(
        f"{user._meta.label} {user.pk} has no {user.USERNAME_FIELD}: dump without --natural-primary and "
        "--natural-foreign, or write natural_key, and get_by_natural_key of the manager."
    )


class PhoneNumberDescriptor(modelfields.PhoneNumberDescriptor):  # type: ignore[misc]
    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, PhoneNumber):
            instance.__dict__[self.field.name] = value  # Theirs compares it with all empty values, slowly.
        else:
            super().__set__(instance, value or None)


class PhoneNumberField(modelfields.PhoneNumberField):  # type: ignore[misc]
    """django-phonenumber-field's field, which always writes E.164, and NULL for empty text; in fixtures, too.

    It reads a list of users faster. Migrations name django-phonenumber-field's own.
    """

    descriptor_class = PhoneNumberDescriptor

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        number = phones.stored(value)
        # Not by its truth value, which is its validity and slow to compute.
        return super().from_db_value(value, expression, connection) if number is None else number

    def get_prep_value(self, value: Any) -> str | None:
        number: Any = to_python(value, region=self.region)
        if number is None or number == "":
            return None if number is None else ""
        # An invalid number stays as it was written.
        return phones.e164(number) if number.is_valid() else number.raw_input or phones.e164(number)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        # Empty texts would not be unique. Not in `get_prep_value`: looking up "" would find all users without a phone.
        return super().get_db_prep_save(None if value == "" else value, connection)

    def value_to_string(self, obj: Any) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def deconstruct(self) -> tuple[Any, ...]:
        name, _, args, kwargs = super().deconstruct()
        theirs = modelfields.PhoneNumberField
        return name, f"{theirs.__module__}.{theirs.__qualname__}", args, kwargs


class PhoneUserMixin(models.Model):
    """One column for any user model. It is nullable, so a full table gets it without a default."""

    phone_number = PhoneNumberField(_("phone number"), unique=True, null=True, blank=True)

    class Meta:
        abstract = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Assigned, not inherited: the mixin may be the last base. Django's returns None for a user without an e-mail.
        if cls.__str__ is AbstractBaseUser.__str__:
            cls.__str__ = text_of  # type: ignore[method-assign]
        if getattr(cls, "natural_key", None) is AbstractBaseUser.natural_key:
            cls.natural_key = natural_key_of  # type: ignore[attr-defined]


class PhoneUserManager(BaseUserManager["AbstractPhoneUser"]):
    """Creates users by phone number. Users without a password cannot sign in by password."""

    def create_user(
        self, phone_number: Any = None, password: str | None = None, **extra_fields: Any
    ) -> "AbstractPhoneUser":
        """Create a user; raises `InvalidPhoneNumber`."""
        user = self.model(phone_number=phones.parse(phones.e164(phone_number)), **extra_fields)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user

    def create_superuser(
        self, phone_number: Any = None, password: str | None = None, **extra_fields: Any
    ) -> "AbstractPhoneUser":
        """Create a superuser; raises `InvalidPhoneNumber`."""
        return self.create_user(phone_number, password, **{"is_staff": True, "is_superuser": True, **extra_fields})

    def get_by_natural_key(self, phone_number: Any, joined: str = "", password: str = "") -> "AbstractPhoneUser":
        if phone_number or not joined:
            return super().get_by_natural_key(phone_number)
        first = datetime.fromisoformat(joined)
        users = self.filter(phone_number=None, date_joined__gte=first, date_joined__lt=first + MILLISECOND)
        return users.get(password=password) if password else users.get()


class AbstractPhoneUser(PhoneUserMixin, AbstractBaseUser, PermissionsMixin):
    """A user with a phone number, who needs neither a username nor a password."""

    is_staff = models.BooleanField(
        _("staff status"), default=False, help_text=_("Whether the user can sign in to the admin.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Unselect this instead of deleting the account.")
    )
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now)

    objects: ClassVar[PhoneUserManager] = PhoneUserManager()

    USERNAME_FIELD = "phone_number"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        abstract = True
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def natural_key(self) -> tuple[str, ...]:
        # Text: `dumpdata --natural-foreign` cannot write a `PhoneNumber`.
        phone_number = phones.e164(self.phone_number)
        if phone_number:
            return (phone_number,)
        # Fixtures keep milliseconds. An unusable password is random text and no secret; a usable one is left out.
        joined = self.date_joined.isoformat(timespec="milliseconds")
        return "", joined, "" if self.has_usable_password() else self.password
