"""Reads numbers and codes as a person sees them: without invisible characters."""

import re
import unicodedata

# Invisible: zero-width and other format characters (category Cf), variation selectors and fillers.
INVISIBLE = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
REVERSED = "\u202e"  # It shows a number backwards. It is kept, so that the number is refused.
MINUS = "\u2212\u02d7\u207b\u208b\u2043\u30fc"  # They look like dashes, but are none to Unicode.
PLUS = "\uff0b\ufe62"


def shown(text: str) -> str:
    """Return `text` without invisible characters, with spaces, dashes, pluses and decimal digits as in ASCII."""
    return "".join(_shown(char) for char in INVISIBLE.sub("", text))


def bare(text: str) -> str:
    """Return `text` without spaces and dashes, and without the punctuation, quotes and brackets around it."""
    text = shown(text).replace(" ", "").replace("-", "")
    first, last = 0, len(text)
    while first < last and _is_punctuation(text[first]):
        first += 1
    while first < last and _is_punctuation(text[last - 1]):
        last -= 1
    return text[first:last]


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd" or char in MINUS:
        return "-"
    if char.isspace():
        return " "
    if char in PLUS:
        return "+"
    return "" if category == "Cf" and char != REVERSED else char


def _is_punctuation(char: str) -> bool:
    return char in "<>`" or unicodedata.category(char).startswith("P")
