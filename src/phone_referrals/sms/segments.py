"""The cost of a text: gateways bill the segments that the network sends, not messages.

By 3GPP TS 23.038 (GSM 03.38), a segment holds 160 characters of the GSM alphabet, or 70 UTF-16 units of any other text.
A text of several segments has 153 or 67 in each, because a header tells the phone how to put them together.
"""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # An escape comes before each, so it takes the room of two.


def segments(text: str) -> int:
    """Return how many segments the network sends for a text; an empty text is one."""
    if BASIC.union(EXTENDED).issuperset(text):
        sizes, alone, joined = [1 + (char in EXTENDED) for char in text], 160, 153
    else:
        sizes, alone, joined = [1 + (char > "\uffff") for char in text], 70, 67
    if sum(sizes) <= alone:
        return 1
    number, room = 1, joined
    for size in sizes:
        if size > room:  # Neither an escape nor a surrogate pair is torn apart: the rest of its segment stays empty.
            number, room = number + 1, joined
        room -= size
    return number
