import sys

from phone_referrals.sms.base import BaseSmsBackend, SmsMessage


class SmsBackend(BaseSmsBackend):
    """Writes messages to standard output. For development."""

    def send(self, message: SmsMessage) -> None:
        sys.stdout.write(f"SMS to {message.phone_number}\n{message.text}\n{'-' * 40}\n")
        sys.stdout.flush()
