from phone_referrals.sms import SmsMessage, locmem


def test_messages_are_kept_in_order(outbox):
    messages = [SmsMessage(phone_number="+12015550100", text=text) for text in ("one", "two")]
    for message in messages:
        locmem.SmsBackend().send(message)
    assert outbox == messages
