from phone_referrals.sms import SmsMessage
from phone_referrals.sms.console import SmsBackend


def test_a_message_is_written_to_standard_output(capsys):
    SmsBackend().send(SmsMessage(phone_number="+12015550100", text="first line\n@example.com #123456"))
    written = capsys.readouterr()
    assert written.out.splitlines()[:3] == ["SMS to +12015550100", "first line", "@example.com #123456"]
    assert written.err == ""
