"""Messages that carry no code."""

import logging

from phone_referrals import phones, sms
from phone_referrals.exceptions import PhoneNotAllowed
from phone_referrals.signin.guards import require_allowed
from phone_referrals.signin.test_numbers import fixed_code

logger = logging.getLogger("phone_referrals")


def tell_of_change(*, old_phone_number: str, new_phone_number: str, host: str) -> None:
    """Tell a phone that it no longer is the user's. What goes wrong is logged: the change has been made.

    It counts for no limit. The new phone was sent a code, which did count, and entered it.
    """
    if not old_phone_number or fixed_code(old_phone_number) is not None:
        return
    try:
        require_allowed(old_phone_number)
        text = sms.render_notice("phone_changed", host=host, phone_number=phones.mask(new_phone_number))
        sms.send(sms.SmsMessage(phone_number=old_phone_number, text=text))
    except PhoneNotAllowed:
        return
    except Exception as error:  # noqa: BLE001 - whatever a gateway raises
        # The class only: a gateway's own words often quote the number.
        logger.error("SMS not delivered: %s", type(error).__qualname__)  # noqa: TRY400
