from dataclasses import fields
from datetime import UTC, datetime
from time import time
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from phone_referrals import phones, statements
from phone_referrals.natural_keys import NaturalKeyModel, NaturalKeyQuerySet
from phone_referrals.signin.state import Message, State


class PhoneVerificationQuerySet(NaturalKeyQuerySet):
    def compare_and_set(self, row: "PhoneVerification", state: State) -> bool:
        """Write `state` if nobody has written since `row` was read; return whether it was written."""
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

    # Text, not a `PhoneNumberField`: E.164 always, whatever PHONENUMBER_DB_FORMAT the host stores its own in.
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
    # POSIX times: no setting of time zones changes what they mean.
    queued_at = models.FloatField()
    due_at = models.FloatField()
    attempts = models.PositiveSmallIntegerField(default=0)
    is_taken = models.BooleanField(default=False)  # An attempt has begun, and nobody has said how it ended.

    class Meta:
        verbose_name = _("queued code")
        verbose_name_plural = _("queued codes")

    def __str__(self) -> str:
        return f"{datetime.fromtimestamp(self.queued_at, UTC):%Y-%m-%d %H:%M:%S}"


class SmsUsage(NaturalKeyModel):
    """Messages of one day (UTC) and region, and what became of them. Region "" counts all, where they have a ceiling.

    The ceilings are of `segments`, which is what gateways bill. `verified` is counted on the day of the sign-in. A busy
    site spreads a day over several slots.
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


class UserSession(NaturalKeyModel):
    """What a sign-in was made with, beside a token or session that has no place for it. See `tokens/`."""

    MAX_USER_AGENT = 200

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="phone_referrals_sessions",
        verbose_name=_("user"),
    )
    # Of which kind of token: a site may have two, one for its API and sessions for its pages.
    kind = models.CharField(max_length=16, editable=False)
    # A hash of the token, or the key of Django's session: never shown.
    key = models.CharField(max_length=128, unique=True, editable=False)
    user_agent = models.CharField(_("user agent"), max_length=MAX_USER_AGENT, blank=True)
    # POSIX, in seconds: without USE_TZ a column of Django's keeps a local time, of which an hour comes twice a year.
    signed_in_at = models.FloatField(default=time, editable=False)

    natural = ("key",)
    objects = NaturalKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return f"{self.user_id} {datetime.fromtimestamp(self.signed_in_at, UTC):%Y-%m-%d %H:%M}"


class ReferralCodeQuerySet(NaturalKeyQuerySet):
    def active(self) -> Self:
        """Return the codes that are shown to their owners."""
        return self.exclude(active_for=None)

    def enabled(self) -> Self:
        """Return the codes that may be entered."""
        return self.filter(is_disabled=False)


class ReferralCode(NaturalKeyModel):
    """A code of a user. One is active, which is the one that is shown; older ones work until they are disabled."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="phone_referral_codes",
        verbose_name=_("user"),
    )
    code = models.CharField(_("code"), max_length=32, unique=True, help_text=_("Stored folded: O is 0, I and L are 1."))
    # The user while the code is active, else NULL: so every database keeps it unique. MySQL has no partial indexes.
    active_for = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,  # The row goes with `user`.
        null=True,
        editable=False,
        related_name="active_phone_referral_code",
    )
    is_disabled = models.BooleanField(
        _("disabled"), default=False, db_index=True, help_text=_("It can no longer be entered.")
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("maximum uses"), null=True, blank=True)
    # Counted only while there is a maximum: an unlimited code of an influencer must not become one hot row.
    uses = models.PositiveIntegerField(_("counted uses"), default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    natural = ("code", "user")
    objects = ReferralCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(active_for=models.F("user")), name="phone_referrals_active_for_its_owner"
            )
        ]

    def __str__(self) -> str:
        return self.code

    def take_one_use(self) -> bool:
        """Count a use of a limited code; return whether there was one left."""
        left = type(self).objects.using(self._state.db).filter(pk=self.pk, uses__lt=models.F("max_uses"))
        return bool(left.update(uses=models.F("uses") + 1))


class ReferralQuerySet(NaturalKeyQuerySet):
    def of(self, user: Any) -> Self:
        """Return the referrals that `user` made."""
        return self.filter(referrer=user)

    def erase_codes(self) -> int:
        """Empty the texts of the codes, of which one may be a name; return how many. For a referrer who is deleted."""
        return self.update(code="")


class RedeemedPhone(models.Model):
    """A phone of a user who redeemed and then left it, as a keyed hash. See `referrals/once.py`."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("redeemed phone")
        verbose_name_plural = _("redeemed phones")

    def __str__(self) -> str:
        return f"{self.digest[:8]}…"


class Referral(NaturalKeyModel):
    """Who was invited by whom. Written once, by `referrals.redeem.redeem`, and never changed.

    Deleting the invited user removes it. Deleting the referrer empties `referrer` and leaves the row, so that the
    invited user cannot redeem a second time; by our own doors it empties `code`, too.
    """

    referred = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="phone_referral",
        verbose_name=_("invited user"),
    )
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        # The index below begins with this column.
        db_index=False,
        related_name="phone_referrals",
        verbose_name=_("referrer"),
    )
    code = models.CharField(_("code"), max_length=32, help_text=_("The code that was entered."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    natural = ("referred",)
    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        indexes: ClassVar = [
            # Pages of newest invitees are read from this index alone.
            models.Index(fields=["referrer", "-created_at", "-referred"], name="phone_referrals_newest"),
            models.Index(fields=["created_at"], name="phone_referrals_by_time"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(referrer=models.F("referred")), name="phone_referrals_not_oneself"
            )
        ]

    def __str__(self) -> str:
        return f"{'-' if self.referrer_id is None else self.referrer_id} → {self.referred_id}"


# Django leaves a primary key out of what it writes with natural keys: this one says whose row it is.
Referral._meta.pk.serialize = True  # type: ignore[attr-defined]
