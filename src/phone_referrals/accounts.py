"""How a phone number maps to a user of the host, and how other people see a user."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, models, router
from django.db.models.deletion import Collector
from django.utils.module_loading import import_string

from phone_referrals import phones, statements
from phone_referrals.conf import conf
from phone_referrals.exceptions import AccountDisabled, DeletionRefused, InvalidPhoneNumber, StaffNotAllowed

SHORTEST_USERNAME = 8  # Of 16 characters each: 4 billion.


class PhoneAccounts:
    """Finds and creates users by the column that `PHONE_REFERRALS_PHONE_FIELD` names.

    A host that creates users in another way names a subclass in `PHONE_REFERRALS_ACCOUNTS`. Phone numbers are E.164
    text throughout.
    """

    keeps_users = False
    """Whether `delete` keeps the row, as on a site that makes users anonymous: no foreign key protects them."""

    def find(self, phone_number: str) -> AbstractBaseUser | None:
        """Return the user who holds the number, active or not."""
        model = get_user_model()
        # The base manager, because a row that a default manager hides still holds the number. The database that is
        # written to, because a replica may lag behind a sign-up.
        users = model._base_manager.using(router.db_for_write(model))
        if "__" in conf.phone_field:
            # Not first(), which sorts: the number is unique.
            user = next(iter(self.join(users.filter(**{conf.phone_field: phone_number}))), None)
        else:
            user = statements.read(model, using=users.db, where={conf.phone_field: phone_number})
        # A column without country codes, or the database's collation, may find another user's number.
        return user if user is not None and PhoneAccounts.phone_of(self, user) == phone_number else None

    def create(self, phone_number: str) -> AbstractBaseUser:
        """Create the user of a proven number; raises `IntegrityError` if the number is taken."""
        model = get_user_model()
        user = model()
        username = username_of(model)
        if username is not None:
            # A required, unique username must not reveal the phone.
            setattr(user, username.attname, uuid4().hex[: username.max_length])
        user.set_unusable_password()
        if "__" in conf.phone_field:
            user.save(force_insert=True)
            self.set_phone(user, phone_number)
        else:
            setattr(user, conf.phone_field, phone_number)
            user.save(force_insert=True)
        return user

    def phone_of(self, user: AbstractBaseUser) -> str:
        """Return the user's number, or an empty string."""
        *relations, field = conf.phone_field.split("__")
        holder: Any = user
        for relation in relations:
            holder = getattr(holder, relation, None)
        return phones.e164(getattr(holder, field, None))

    def display_name(self, user: AbstractBaseUser) -> str:
        """Return the name that other people see: the masked phone, e-mail or user name, else the number of the account.

        A host that shows real names overrides this.
        """
        name = getattr(user, getattr(user, "USERNAME_FIELD", "username"), None)
        email = getattr(user, getattr(user, "EMAIL_FIELD", "email"), None)
        return phones.mask(self.phone_of(user)) or _masked(email) or _masked(name) or f"#{user.pk}"

    def set_phone(self, user: Any, phone_number: str | None) -> None:
        """Give the user a proven number, or `None`; raises `IntegrityError` if the number is taken."""
        *relations, field = conf.phone_field.split("__")
        holder: models.Model = user
        for relation in relations:
            link = user._meta.get_field(relation)
            holder = getattr(user, relation, None) or link.related_model(**{link.field.name: user})
        setattr(holder, field, phone_number)
        # One column only: other columns may have changed since the row was read.
        holder.save(update_fields=None if holder._state.adding else [field])

    def delete(self, user: AbstractBaseUser) -> None:
        """Delete the user and related rows. A host that keeps the row overrides this and sets `keeps_users`.

        Called in a transaction, with the row locked. A row that is kept loses its phone afterwards.
        """
        user.delete()

    def require_deletable(self, user: AbstractBaseUser) -> None:
        """Raise `DeletionRefused` if Django knows rows that protect the user. Called before a code is sent."""
        model = get_user_model()
        if self.keeps_users or model.delete is not models.Model.delete:
            return
        try:
            Collector(using=router.db_for_write(model), origin=user).collect([user])
        except (models.ProtectedError, models.RestrictedError):
            raise DeletionRefused from None

    def may_sign_in(self, user: AbstractBaseUser) -> bool:
        """Return whether the account is in use: neither disabled nor hidden, as deleted users are on some sites.

        Called after a phone is proven, for each request with a token or session of ours, and when another user enters
        the user's referral code.
        """
        if not getattr(user, "is_active", True):
            return False
        # Those that the host's default manager shows, from the database that is written to.
        shown = get_user_model()._default_manager.using(router.db_for_write(get_user_model()))
        return not shown.query.where or shown.filter(pk=user.pk).exists()

    def has_second_factor(self, user: AbstractBaseUser) -> bool:
        """Return whether the user has set up a second factor, so that a code sent to the phone does not suffice.

        Knows the factors of `allauth.mfa` and of `django_otp`, which `two_factor` builds on.
        """
        if apps.is_installed("allauth.mfa") and import_string("allauth.mfa.utils.is_mfa_enabled")(user):
            return True
        return apps.is_installed("django_otp") and bool(import_string("django_otp.user_has_device")(user))

    def join(self, queryset: models.QuerySet[Any], prefix: str = "") -> models.QuerySet[Any]:
        """Return `queryset` with the relations of `phone_of` joined; its rows are users, or have one at `prefix`."""
        paths = [path for path in (prefix, *conf.phone_field.split("__")[:-1]) if path]
        return queryset.select_related("__".join(paths)) if paths else queryset


def _masked(name: Any) -> str:
    """Return an e-mail as `j***@example.com` and a user name as `al***`, with at least one character hidden."""
    text = str(name or "")
    local, at, domain = text.rpartition("@")
    if at:
        return f"{local[:1] if len(local) > 1 else ''}***@{domain}"
    return f"{text[: min(2, len(text) - 1)]}***" if text else ""


def username_of(model: type[models.Model]) -> "models.Field[Any, Any] | None":
    """Return the column `username` if it is required text and not the phone."""
    for field in model._meta.concrete_fields:
        if field.name == "username" != conf.phone_field and type(field) is models.CharField:
            is_long = field.max_length is None or field.max_length >= SHORTEST_USERNAME
            return field if is_long and not (field.null or field.has_default()) else None
    return None


def lock(user: AbstractBaseUser, *, using: str | None = None) -> Any:
    """Return the current row of the user, locked until the transaction ends; raises `AccountDisabled` if deleted."""
    model = get_user_model()
    alias = using or router.db_for_write(model)
    rows = model._base_manager.using(alias).filter(pk=user.pk)
    if not connections[alias].features.has_select_for_update:
        # SQLite: one writer at a time, so the first write is the lock.
        rows.update(**{model._meta.pk.name: models.F("pk")})
    locked = rows.select_for_update().first()
    if locked is None:
        raise AccountDisabled
    return locked


def require_admissible(user: AbstractBaseUser, *, by_phone: Callable[[], bool] = lambda: True) -> None:
    """Raise `AccountDisabled`, or `StaffNotAllowed` for staff if `by_phone()`, which is called for staff only."""
    if not get_accounts().may_sign_in(user):
        raise AccountDisabled
    is_staff = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    # The fixed code of a test number proves nothing, before and after its last day.
    if is_staff and not (conf.allow_staff and get_accounts().phone_of(user) not in conf.test_numbers) and by_phone():
        raise StaffNotAllowed


def provable_phone_of(user: AbstractBaseUser) -> str:
    """Return a user's number as E.164 text, in which codes are sent; empty if there is no valid number."""
    try:
        return phones.parse(get_accounts().phone_of(user))
    except InvalidPhoneNumber:
        return ""


def get_accounts() -> PhoneAccounts:
    """Return the mapping that `PHONE_REFERRALS_ACCOUNTS` names."""
    accounts: PhoneAccounts = import_string(conf.accounts)()
    return accounts
