"""The tables of referrals: codes of users, referrals, and phones that have redeemed."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from phone_referrals import statements
from phone_referrals.natural_keys import NaturalKeyModel, NaturalKeyQuerySet


class ReferralCodeQuerySet(NaturalKeyQuerySet):
    def enabled(self) -> Self:
        """Return the codes that may be entered."""
        return self.filter(is_disabled=False)

    def enterable(self, code: str, digests: list[str]) -> Any:
        """Return the enabled code of a folded text, or `None`, with the facts that decide on entering it.

        `phone_has_redeemed` is whether one of the `digests` of a phone is remembered; `owners_referrer` is the key of
        the referrer of the code's owner. Subqueries: to plan a join takes PostgreSQL longer than to run it.
        """
        return _enterable(self.db, code, *digests)


@statements.compiled
def _enterable(code: str, *digests: str) -> Any:
    referrer = Referral.objects.filter(pk=models.OuterRef("user")).values("referrer")
    facts = {
        "phone_has_redeemed": models.Exists(RedeemedPhone.objects.filter(pk__in=digests)),
        "owners_referrer": models.Subquery(referrer),
    }
    return ReferralCode.objects.enabled().select_related("user").annotate(**facts).filter(code=code)


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
    def of(self, user: AbstractBaseUser) -> Self:
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
    """An invited user and its referrer. Written once, by `referrals.redeem.redeem`, and never changed.

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
