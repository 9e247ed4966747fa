from phone_referrals.sms import BaseSmsBackend, SmsMessage


class SmsBackend(BaseSmsBackend):
    """Sends nothing: what is measured is not the gateway."""

    def send(self, message: SmsMessage) -> None: ...
