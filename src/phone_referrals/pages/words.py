"""Refusals and durations in words for people."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from phone_referrals.exceptions import PhoneReferralsError


def explain(refusal: PhoneReferralsError) -> str:
    """Return the message of a refusal, and how many tries are left or how long to wait where it knows."""
    sentences = [str(refusal.message)]
    left = refusal.extra.get("guesses_left")
    if left:
        sentences.append(ngettext("%(count)d try left.", "%(count)d tries left.", left) % {"count": left})
    elif left is not None:
        sentences.append(_("Ask for a new one."))
    if refusal.retry_after:
        sentences.append(_("Try again in %(duration)s.") % {"duration": duration(refusal.retry_after)})
    return " ".join(sentences)


def duration(seconds: int) -> str:
    """Return seconds, minutes or hours, rounded up, so that nobody comes back too early."""
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = -(-seconds // 60)
    if minutes < 60:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = -(-seconds // 3600)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
