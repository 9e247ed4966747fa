import pytest
from django.utils import translation

from phone_referrals.exceptions import (
    AlreadyRedeemed,
    Busy,
    CodeExpired,
    InvalidCode,
    PhoneLocked,
    ResendTooSoon,
    SmsLimitReached,
    TooManyGuesses,
    TooManyMessages,
    TooManyRequests,
)
from phone_referrals.pages.words import duration, explain


@pytest.mark.parametrize(
    ("seconds", "en", "ru"),
    [
        (0, "0 seconds", "0 секунд"),
        (1, "1 second", "1 секунду"),
        (2, "2 seconds", "2 секунды"),
        (5, "5 seconds", "5 секунд"),
        (11, "11 seconds", "11 секунд"),
        (21, "21 seconds", "21 секунду"),
        (59, "59 seconds", "59 секунд"),
        (60, "1 minute", "1 минуту"),
        (61, "2 minutes", "2 минуты"),
        (300, "5 minutes", "5 минут"),
        (3540, "59 minutes", "59 минут"),
        (3541, "1 hour", "1 час"),
        (3600, "1 hour", "1 час"),
        (3601, "2 hours", "2 часа"),
        (86_400, "24 hours", "24 часа"),
        (100_000, "28 hours", "28 часов"),
    ],
)
def test_a_duration_is_rounded_up_in_the_right_plural(seconds, en, ru):
    with translation.override("en"):
        assert duration(seconds) == en
    with translation.override("ru"):
        assert duration(seconds) == ru


@pytest.mark.parametrize(
    ("refusal", "en", "ru"),
    [
        (InvalidCode(guesses_left=0), "Wrong code. Ask for a new one.", "Неверный код. Запросите новый."),
        (InvalidCode(guesses_left=1), "Wrong code. 1 try left.", "Неверный код. Осталась 1 попытка."),
        (InvalidCode(guesses_left=2), "Wrong code. 2 tries left.", "Неверный код. Осталось 2 попытки."),
        (InvalidCode(guesses_left=4), "Wrong code. 4 tries left.", "Неверный код. Осталось 4 попытки."),
        (InvalidCode(guesses_left=5), "Wrong code. 5 tries left.", "Неверный код. Осталось 5 попыток."),
        (InvalidCode(guesses_left=11), "Wrong code. 11 tries left.", "Неверный код. Осталось 11 попыток."),
        (InvalidCode(guesses_left=21), "Wrong code. 21 tries left.", "Неверный код. Осталась 21 попытка."),
        (
            ResendTooSoon(retry_after=30),
            "A code was sent a moment ago. Wait before you ask for another one. Try again in 30 seconds.",
            "Код только что отправлен. Подождите, прежде чем запросить новый. Повторите через 30 секунд.",
        ),
        (
            TooManyRequests(retry_after=61),
            "Too many requests. Try again in 2 minutes.",
            "Слишком много запросов. Повторите через 2 минуты.",
        ),
        (
            TooManyMessages(retry_after=82_800),
            "Too many codes were sent to this phone. Try again in 23 hours.",
            "На этот номер отправлено слишком много кодов. Повторите через 23 часа.",
        ),
        (
            SmsLimitReached(retry_after=3600),
            "No more messages can be sent now. Try again in 1 hour.",
            "Сейчас сообщения больше не отправляются. Повторите через 1 час.",
        ),
        (
            Busy(retry_after=1),
            "Too many requests at the same moment. Try again in 1 second.",
            "Слишком много запросов одновременно. Повторите через 1 секунду.",
        ),
        (
            TooManyGuesses(retry_after=0),
            "Too many wrong codes. Ask for a new one.",
            "Слишком много неверных попыток. Запросите новый код.",
        ),
        (
            PhoneLocked(retry_after=0),
            "Sign-in with this phone is locked after too many wrong codes. Contact support.",
            "Вход по этому номеру заблокирован из-за большого числа неверных кодов. Обратитесь в поддержку.",
        ),
        (
            CodeExpired(),
            "This code is no longer valid. Ask for a new one.",
            "Этот код больше не действует. Запросите новый.",
        ),
        (
            AlreadyRedeemed(),
            "You have already entered a referral code.",
            "Вы уже ввели реферальный код.",
        ),
        (InvalidCode("50 % <b>"), "50 % <b>", "50 % <b>"),
    ],
)
def test_a_refusal_says_what_happened_and_what_to_do(refusal, en, ru):
    with translation.override("en"):
        assert explain(refusal) == en
    with translation.override("ru"):
        assert explain(refusal) == ru
