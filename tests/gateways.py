"""SMS gateways that fail, for `PHONE_REFERRALS_SMS_BACKEND`. What they say quotes what no log may show."""

from phone_referrals.sms import BaseSmsBackend, DeliveryFailed


class RefusingSmsBackend(BaseSmsBackend):
    """Knows that it has not sent the message."""

    def send(self, message):
        raise DeliveryFailed(f"{message.phone_number} {message.text}")


class SilentSmsBackend(BaseSmsBackend):
    """Does not answer in time, so that nobody knows."""

    def send(self, message):
        raise TimeoutError(f"{message.phone_number} {message.text}")
