"""Sending a code: the text, and the gateway that takes it."""

from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from phone_referrals.conf import conf
from phone_referrals.exceptions import DeliveryFailed
from phone_referrals.sms.base import BaseSmsBackend, SmsMessage
from phone_referrals.sms.segments import segments

MAX_HOST = 63  # Longer than any site's. A stranger may name a longer one where `ALLOWED_HOSTS` has a wildcard.


class _Secret(str):
    """A text that is hidden where Django logs a template's context."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


def send(message: SmsMessage) -> None:
    """Hand `message` to the gateway. The exceptions of a backend come out as they are."""
    backend: BaseSmsBackend = import_string(conf.sms_backend)()
    backend.send(message)


def render(*, phone_number: str, purpose: str, code: str, host: str) -> SmsMessage:
    """Return the message that carries `code`, in the language that is active."""
    context = {
        "code": _Secret(code),
        "host": _host(host),
        "purpose": purpose,
        "android_hash": conf.sms_android_hash,
    }
    text = render_to_string("phone_referrals/sms.txt", context).strip()
    return SmsMessage(phone_number=phone_number, text=text)


def render_notice(name: str, *, host: str, phone_number: str) -> str:
    """Return the text of a message that carries no code; `phone_number` is masked."""
    context = {"host": _host(host), "phone_number": phone_number}
    return render_to_string(f"phone_referrals/{name}.txt", context).strip()


def _host(host: str) -> str:
    """Return the host that a message names; none rather than a part of a long one, which would be another site."""
    named = conf.site_host or host
    return named if len(named) <= MAX_HOST else ""


__all__ = ["BaseSmsBackend", "DeliveryFailed", "SmsMessage", "render", "render_notice", "segments", "send"]
