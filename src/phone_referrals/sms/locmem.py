from phone_referrals.sms.base import BaseSmsBackend, SmsMessage

outbox: list[SmsMessage] = []


class SmsBackend(BaseSmsBackend):
    """Keeps messages in `outbox`, as Django's mail backend of this name does. For tests."""

    def send(self, message: SmsMessage) -> None:
        outbox.append(message)
