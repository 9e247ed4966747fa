from abc import ABC, abstractmethod
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SmsMessage:
    """A message to one phone. Its `repr` shows neither the number nor the text, so that no log can."""

    phone_number: str = field(repr=False)
    text: str = field(repr=False)


class BaseSmsBackend(ABC):
    """Hands messages to a gateway."""

    @abstractmethod
    def send(self, message: SmsMessage) -> None:
        """Hand over `message`, waiting no longer than the visitor should.

        Raise `DeliveryFailed` where the gateway has refused it. Any other exception, a time-out above all, is taken
        to mean that it may have been sent: the visitor need not wait to ask again, but it counts for the day.
        """
