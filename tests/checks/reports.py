from django.core.checks import ERROR

from phone_referrals.checks import registry


def reports(check_id, *words, check=registry.check_settings):
    """Whether the check says one thing, with this id, these words and what to do about it."""
    # Advice for production may stand beside an error; beside one of the settings, nothing.
    [message] = [each for each in check() if check is registry.check_settings or each.level >= ERROR]
    assert message.id == check_id
    assert message.is_serious()
    assert all(word in message.msg for word in words), message.msg
    assert message.hint
    return True


def only():
    """Return the one message of the checks."""
    (message,) = registry.check_settings()
    assert message.hint.endswith(".")
    return message


def ids(messages):
    return [message.id for message in messages]
