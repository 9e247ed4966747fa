"""The text of a message and its way to the gateway: `phone_referrals/sms/__init__.py`."""

import logging

import pytest
from django.utils import translation

from phone_referrals import sms
from phone_referrals.signin.codes import Purpose
from phone_referrals.sms import BaseSmsBackend, SmsMessage

# 3GPP TS 23.038, the basic character set: one septet each.
GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def text(code="123456", host="example.com", purpose="sign_in"):
    message = sms.render(phone_number="+12015550100", purpose=purpose, code=code, host=host)
    assert message.phone_number == "+12015550100"
    return message.text


def test_the_text_in_english():
    assert text() == "Your code: 123456. Tell it to nobody.\n\n@example.com #123456"


def test_the_text_in_russian():
    with translation.override("ru"):
        first, *_, last = text().splitlines()
    assert "123456" in first
    assert "код" in first
    assert "Your" not in first
    assert last == "@example.com #123456"


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("android_hash", ["", "FA+9qCX9VSu"])
def test_the_last_line_is_the_one_that_webotp_reads(settings, language, android_hash):
    settings.PHONE_REFERRALS_SMS_ANDROID_HASH = android_hash
    with translation.override(language):
        lines = text(code="012345", host="shop.example.com").split("\n")
    assert lines[-1] == "@shop.example.com #012345"
    assert lines[-2] == ""


def test_the_android_hash_has_a_line_of_its_own(settings):
    settings.PHONE_REFERRALS_SMS_ANDROID_HASH = "FA+9qCX9VSu"
    assert "FA+9qCX9VSu" in text().splitlines()


def test_the_settings_host_comes_before_the_asked_one(settings):
    settings.PHONE_REFERRALS_SITE_HOST = "example.org"
    assert text().endswith("\n@example.org #123456")


@pytest.mark.parametrize(("length", "is_named"), [(63, True), (64, False), (240, False)])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_host_longer_than_63_characters_is_in_a_message(length, is_named, language):
    """None at all, rather than a part of it, which is another site's name."""
    host = "a" * (length - 12) + ".example.com"
    with translation.override(language):
        texts = [text(host=host, purpose=purpose) for purpose in Purpose]
        notice = sms.render_notice("phone_changed", host=host, phone_number="+1 *** *** **01")
    assert all((f"@{host} #123456" in each) == ("@" in each) == is_named for each in texts)
    assert (host in notice) == is_named
    assert "aaaa" not in notice or is_named
    assert "123456" in texts[0]
    assert "+1 *** *** **01" in notice


def test_a_message_without_a_host_ends_with_its_text():
    assert text(host="a" * 64) == "Your code: 123456. Tell it to nobody."


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_purpose_has_a_text_of_its_own(language):
    with translation.override(language):
        texts = [text(purpose=purpose) for purpose in Purpose]
    assert len(set(texts)) == len(Purpose)
    assert all(each.endswith("@example.com #123456") for each in texts)


@pytest.mark.parametrize("purpose", Purpose)
def test_the_longest_english_text_fits_140_bytes_in_gsm_7(settings, purpose):
    settings.PHONE_REFERRALS_SMS_ANDROID_HASH = "FA+9qCX9VSu"
    longest = text(code="0123456789", host="a-long-name-of-a-shop.accounts.example.com", purpose=purpose)
    assert set(longest) <= GSM_7
    assert len(longest) * 7 / 8 <= 140


def test_the_text_is_not_escaped_as_if_it_were_html(settings):
    settings.PHONE_REFERRALS_SITE_HOST = "a&b.example"
    assert "@a&b.example" in text()


def test_a_host_writes_its_own_text_in_a_template(settings, tmp_path):
    template = tmp_path / "phone_referrals" / "sms.txt"
    template.parent.mkdir()
    template.write_text("{{ purpose }} {{ code }} at {{ host }}\n")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert text() == "sign_in 123456 at example.com"


class KeepingSmsBackend(BaseSmsBackend):
    kept: list[SmsMessage] = []

    def send(self, message):
        self.kept.append(message)


def test_a_message_goes_to_the_gateway_of_the_settings(settings, outbox):
    message = SmsMessage(phone_number="+12015550100", text="text")
    sms.send(message)
    settings.PHONE_REFERRALS_SMS_BACKEND = f"{__name__}.KeepingSmsBackend"
    sms.send(message)
    assert outbox == KeepingSmsBackend.kept == [message]


def test_a_template_that_names_what_is_not_there_logs_no_code(settings, caplog):
    caplog.set_level(logging.DEBUG, "django.template")
    loaders = [("django.template.loaders.locmem.Loader", {"phone_referrals/sms.txt": "{{ code }} {{ misspelt }}"})]
    settings.TEMPLATES = [{"BACKEND": settings.TEMPLATES[0]["BACKEND"], "OPTIONS": {"loaders": loaders}}]
    assert text(code="135790") == "135790"
    assert "misspelt" in caplog.text
    assert "135790" not in caplog.text
