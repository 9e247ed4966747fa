"""The tables of sign-in: the state of phones, messages that wait, and how many were sent."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from time import time
from typing import ClassVar, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from phone_referrals import phones, statements
from phone_referrals.natural_keys import NaturalKeyModel, NaturalKeyQuerySet


class Message(NamedTuple):
    """A message that counts for the day's limit. JSON keeps it as a list."""

    sent_at: float
    wrong_guesses: int = 0
    owner: str = ""  # A digest of the signed-in user it was sent for.


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of one phone and purpose, on which `policy.py` decides. Times are POSIX seconds.

    A code is live while `serial` is set.
    """

    serial: int | None = None
    code_expires_at: float | None = None
    sent_at: tuple[Message, ...] = ()
    sent_since_success: int = 0
    refused_in_a_row: int = 0  # messages, by the gateway
    resend_at: float | None = None
    wrong_guesses_since_success: int = 0
    unbound_guesses_at: tuple[float, ...] = ()  # the latest ten, by clients without a handle
    unbound_guesses_since_success: int = 0


class PhoneVerificationQuerySet(NaturalKeyQuerySet):
    def read(self, phone_number: str, purpose: str) -> "PhoneVerification":
        """Return the row of a phone and purpose, or an unsaved one where there is none."""
        where = {"phone_number": phone_number, "purpose": purpose}
        return statements.read(PhoneVerification, using=self.db, where=where) or PhoneVerification(**where)

    def write(self, row: "PhoneVerification", state: State) -> bool:
        """Write `state` unless another request has written since `row` was read; return whether it was written."""
        if row.pk is None:
            new = PhoneVerification(phone_number=row.phone_number, purpose=row.purpose, **vars(state))
            is_written = statements.insert(new, using=self.db)
            row.pk = new.pk
            return is_written
        values = {"version": row.version + 1, "updated_at": time(), **vars(state)}
        where = {"id": row.pk, "version": row.version}
        return statements.update(PhoneVerification, using=self.db, where=where, values=values)

    def clear(self) -> int:
        """Unlock the phones and end their codes and waits; return how many. For an admin who knows the owner."""
        return self.update(version=models.F("version") + 1, updated_at=time(), **vars(State()))


class PhoneVerification(NaturalKeyModel):
    """The state of one phone's current code and of its limits, for one purpose.

    It holds no code: `signin.codes.derive` makes one from `serial` and the site's secret. Times are POSIX seconds, so
    that neither `USE_TZ` nor `TIME_ZONE` nor a change to or from summer time moves them.
    """

    # Text, not a `PhoneNumberField`: always E.164, whereas PHONENUMBER_DB_FORMAT is the host's choice.
    phone_number = models.CharField(_("phone number"), max_length=16)
    purpose = models.CharField(_("purpose"), max_length=16)
    version = models.PositiveBigIntegerField(default=0, editable=False)
    serial = models.BigIntegerField(null=True, editable=False)
    code_expires_at = models.FloatField(_("code expires at"), null=True)
    sent_at = models.JSONField(default=list, editable=False)  # `Message`s
    sent_since_success = models.PositiveSmallIntegerField(_("messages since the last success"), default=0)
    refused_in_a_row = models.PositiveSmallIntegerField(default=0, editable=False)
    resend_at = models.FloatField(_("next message from"), null=True)
    wrong_guesses_since_success = models.PositiveIntegerField(_("wrong guesses since the last success"), default=0)
    unbound_guesses_at = models.JSONField(default=list, editable=False)
    unbound_guesses_since_success = models.PositiveSmallIntegerField(default=0, editable=False)
    updated_at = models.FloatField(_("updated at"), default=time)

    natural = ("phone_number", "purpose")
    objects = PhoneVerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("phone verification")
        verbose_name_plural = _("phone verifications")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["phone_number", "purpose"], name="phone_referrals_one_row_per_purpose")
        ]

    def __str__(self) -> str:
        return f"{phones.mask(self.phone_number)} ({self.purpose})"

    @property
    def state(self) -> State:
        values = {field.name: getattr(self, field.name) for field in fields(State)}
        messages = tuple(Message(*each) for each in self.sent_at)
        return State(**{**values, "sent_at": messages, "unbound_guesses_at": tuple(self.unbound_guesses_at)})


class QueuedCode(models.Model):
    """A message that waits for a worker, which deletes it once the gateway has taken it. See `signin/tasks.py`.

    It holds neither phone nor code: the worker derives the code that is live when it sends.
    """

    verification = models.ForeignKey(PhoneVerification, on_delete=models.CASCADE, related_name="queued_codes")
    host = models.CharField(max_length=255)
    language = models.CharField(max_length=35)  # RFC 5646, 4.4.1
    counted_in = models.JSONField()  # A `usage.Reservation`.
    # POSIX times: settings of time zones do not change them.
    queued_at = models.FloatField()
    due_at = models.FloatField()
    attempts = models.PositiveSmallIntegerField(default=0)
    is_taken = models.BooleanField(default=False)  # An attempt has begun and not ended.

    class Meta:
        verbose_name = _("queued code")
        verbose_name_plural = _("queued codes")

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.queued_at, UTC):%Y-%m-%d %H:%M:%S}"


class SmsUsage(NaturalKeyModel):
    """Counts of the messages of one day (UTC) and region. Region "" counts all, where they have a ceiling.

    The ceilings are in `segments`, which gateways bill. `verified` counts on the day of the sign-in. A day with a high
    ceiling is spread over several slots.
    """

    day = models.DateField(_("day"))
    region = models.CharField(_("region"), max_length=3, blank=True)
    slot = models.PositiveSmallIntegerField(_("slot"), default=0)
    sent = models.PositiveIntegerField(_("sent"), default=0)
    segments = models.PositiveIntegerField(_("segments"), default=0)
    verified = models.PositiveIntegerField(_("verified"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    limit_reported = models.BooleanField(default=False, editable=False)
    pause_reported = models.BooleanField(default=False, editable=False)

    natural = ("day", "region", "slot")
    objects = NaturalKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("SMS usage")
        verbose_name_plural = _("SMS usage")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "region", "slot"], name="phone_referrals_one_row_per_slot")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.region or '*'}"
