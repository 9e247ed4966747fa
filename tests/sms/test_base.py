import pytest

from phone_referrals.sms import BaseSmsBackend, SmsMessage


def test_a_message_shows_nothing_of_itself():
    message = SmsMessage(phone_number="+12015550100", text="Your code: 123456.")
    for shown in (repr(message), str(message), f"{message}", repr([message])):
        assert "2015550100" not in shown
        assert "123456" not in shown


def test_a_backend_has_to_send():
    class Silent(BaseSmsBackend):
        pass

    with pytest.raises(TypeError, match="send"):
        Silent()
