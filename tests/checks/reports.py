from django.core.checks import ERROR

from phone_referrals import checks


def reports(check_id, *words, check=checks.check_settings):
    """Whether the check says one thing, with this id, these words and what to do about it."""
    # Advice for production may stand beside an error; beside one of the settings, nothing.
    [message] = [each for each in check() if check is checks.check_settings or each.level >= ERROR]
    assert message.id == check_id
    assert message.is_serious()
    assert all(word in message.msg for word in words), message.msg
    assert message.hint.endswith(".")
    return True
