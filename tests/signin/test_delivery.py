import logging

import pytest

from phone_referrals.signin.delivery import tell_of_change

OLD, NEW = "+12015550100", "+12015550150"


def tell(old=OLD):
    tell_of_change(old_phone_number=old, new_phone_number=NEW, host="example.com")


def test_the_old_phone_is_told(outbox):
    tell()
    assert [message.phone_number for message in outbox] == [OLD]
    assert "0150" not in outbox[0].text


def test_the_longest_text_fits_140_bytes(outbox):
    tell_of_change(old_phone_number=OLD, new_phone_number=NEW, host="a-long-name-of-a-shop.accounts.example.com")
    assert len(outbox[0].text) * 7 / 8 <= 140


def test_nobody_is_told_where_there_was_no_phone(outbox):
    tell("")
    assert outbox == []


def test_a_test_number_is_told_nothing(outbox, settings):
    settings.PHONE_REFERRALS_TEST_NUMBERS = {OLD: {"code": "123456", "until": "2099-01-01"}}
    tell()
    assert outbox == []


def test_a_phone_that_is_sent_no_messages_is_told_nothing(outbox, settings, caplog):
    settings.PHONE_REFERRALS_ALLOWED_REGIONS = ["CA"]
    tell()
    assert outbox == []
    assert not caplog.records


@pytest.mark.parametrize(("gateway", "name"), [("Refusing", "DeliveryFailed"), ("Silent", "TimeoutError")])
def test_a_gateway_that_fails_is_logged_without_a_number(settings, caplog, gateway, name):
    settings.PHONE_REFERRALS_SMS_BACKEND = f"tests.gateways.{gateway}SmsBackend"
    with caplog.at_level(logging.DEBUG):
        tell()
    assert name in caplog.text
    assert "555" not in caplog.text
