"""The QR code of a link, where segno is installed (`pip install django-phone-referrals[qr]`)."""

from importlib import import_module
from importlib.util import find_spec

from django.utils.safestring import mark_safe


def draw(link: str) -> str:
    """Return an SVG element; empty without segno, and for a link that is too long for any QR code."""
    if find_spec("segno") is None:
        return ""
    try:
        code = import_module("segno").make(link, micro=False)
    except ValueError:  # 2,953 bytes at most. Whoever may name any subdomain of the site may name a long one.
        return ""
    # Nothing in it but numbers. On white also where the page is dark: some readers know no other.
    svg: str = code.svg_inline(omitsize=True, border=4, light="#fff", svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308
