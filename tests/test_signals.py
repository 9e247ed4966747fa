from django.dispatch import Signal

from phone_referrals import signals


def test_the_docstring_lists_every_signal():
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    rows = [line.split("|")[1].strip() for line in signals.__doc__.splitlines() if line.startswith("| `")]
    assert {name.strip("`") for name in rows} == names
