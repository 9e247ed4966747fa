from datetime import UTC, datetime
from time import time
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phone_referrals.natural_keys import NaturalKeyModel, NaturalKeyQuerySet


class UserSessionQuerySet(NaturalKeyQuerySet):
    def of(self, user: AbstractBaseUser, kind: str) -> Self:
        """Return the user's rows of one kind of token; not from a replica, which may lag behind."""
        return self.using(router.db_for_write(self.model)).filter(user=user, kind=kind)


class UserSession(NaturalKeyModel):
    """The time and the user agent of a sign-in, for kinds of tokens that do not keep them."""

    MAX_USER_AGENT = 200

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="phone_referrals_sessions",
        verbose_name=_("user"),
    )
    # The kind of token: a site may have two, tokens for its API and sessions for its pages.
    kind = models.CharField(max_length=16, editable=False)
    # A hash of the token, or the key of Django's session: never shown.
    key = models.CharField(max_length=128, unique=True, editable=False)
    user_agent = models.CharField(_("user agent"), max_length=MAX_USER_AGENT, blank=True)
    # In POSIX seconds: without USE_TZ a `DateTimeField` keeps local times, which are ambiguous for an hour a year.
    signed_in_at = models.FloatField(default=time, editable=False)

    natural = ("key",)
    objects = UserSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return f"{self.user_id} {datetime.fromtimestamp(self.signed_in_at, UTC):%Y-%m-%d %H:%M}"

    @classmethod
    def made_by(cls, request: HttpRequest | None, **values: Any) -> Self:
        """Return an unsaved row with the user agent of a request."""
        agent: str = request.META.get("HTTP_USER_AGENT", "") if request else ""
        # PostgreSQL takes no NUL byte in a text.
        return cls(user_agent=agent.replace("\0", "")[: cls.MAX_USER_AGENT], **values)
