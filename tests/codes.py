"""Codes that were not sent."""


def wrong(code):
    """Make a wrong code of a right one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"
