"""Draws the pictures of the documentation as SVG, the tables from the models: `make reference`.

The files are committed. A test draws them again and compares.
"""

import os
import sys
from html import escape
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.contrib.auth import get_user_model

IMAGES = Path(__file__).parents[1] / "images"
INK, PALE, LINE, ACCENT = "#1f2933", "#f4f6f8", "#7b8794", "#0b69a3"
LINE_HEIGHT = 19
PAD = 12


class Picture:
    """Boxes, arrows and texts on a light ground, which is the same on a dark page."""

    def __init__(self, width: int, height: int, title: str) -> None:
        size = f'viewBox="0 0 {width} {height}" width="{width}"'
        font = f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}"'
        tip = 'id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"'
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>',
            f"<title>{escape(title)}</title>",
            f'<defs><marker {tip}><path d="M0 0 10 5 0 10z" fill="{LINE}"/></marker></defs>',
            f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
        ]

    def box(self, x: int, y: int, width: int, lines: list[str], *, accent: bool = False, height: int = 0) -> None:
        """Draw a box; its first line is bold."""
        height = height or 2 * PAD + LINE_HEIGHT * len(lines) - 5
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{PALE}" '
            f'stroke="{ACCENT if accent else LINE}" stroke-width="{2 if accent else 1}"/>'
        )
        for number, line in enumerate(lines):
            self.text(x + PAD, y + PAD + 13 + number * LINE_HEIGHT, line, bold=not number)

    def text(self, x: int, y: int, text: str, *, bold: bool = False, anchor: str = "start") -> None:
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{weight}>{escape(text)}</text>')

    def arrow(self, *points: tuple[int, int], dashed: bool = False) -> None:
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{LINE}" marker-end="url(#tip)"{dash}/>')

    def __str__(self) -> str:
        return "\n".join([*self.parts, "</svg>\n"])


# The rooms, and their imports of each other, which a test compares with the source. URLconfs are outside the rooms.
URLS = "phone_referrals.urls and phone_referrals.pages.urls include both halves"
ROOMS = {
    "profiles": (20, 20, 720, "the join: list of users, profiles, sign-in with a referral code", URLS),
    "signin": (20, 150, 350, "codes and their limits, sign-in, sessions,", "change of phone, deletion of an account"),
    "referrals": (390, 150, 350, "codes, invitations, redeeming, the tree,", "for any user model"),
    "sms": (20, 290, 190, "gateways"),
    "tokens": (285, 290, 190, "token types, sessions"),
    "pages": (550, 290, 190, "base of all HTML pages"),
}
IMPORTS = {
    ("profiles", "signin"): [(195, 97), (195, 148)],
    ("profiles", "referrals"): [(565, 97), (565, 148)],
    ("profiles", "tokens"): [(380, 97), (380, 288)],
    ("profiles", "pages"): [(740, 58), (756, 58), (756, 318), (742, 318)],
    ("signin", "sms"): [(115, 227), (115, 288)],
    ("signin", "tokens"): [(290, 227), (330, 288)],
    ("signin", "pages"): [(350, 227), (590, 288)],
    ("referrals", "pages"): [(645, 227), (645, 288)],
    ("pages", "tokens"): [(550, 318), (477, 318)],
}


def layout() -> Picture:
    picture = Picture(776, 470, "The rooms of the package and their imports")
    for name, (x, y, width, *lines) in ROOMS.items():
        picture.box(x, y, width, [f"{name}/", *lines], accent=name in {"signin", "referrals"})
    for points in IMPORTS.values():
        picture.arrow(*points)
    picture.arrow((370, 205), (388, 205), dashed=True)
    shared = "accounts.py, phones.py, conf.py, exceptions.py, api.py, throttling.py, …"
    picture.box(20, 375, 720, [shared, "shared by the rooms; accounts.py maps a phone to your user model"])
    caption = (
        "An arrow is an import. The dashed arrow is the signal phone_left: the halves import nothing of each other."
    )
    picture.text(380, 455, caption, anchor="middle")
    return picture


def verification() -> Picture:
    """What a request for a code and a guess do to the row of a phone and purpose."""
    picture = Picture(760, 430, "The states of a phone's verification")
    picture.box(20, 40, 190, ["No code", "no row yet, or the code", "was used or has expired"])
    picture.box(300, 40, 220, ["A code is live", "for 600 s, or until it is used"], accent=True, height=66)
    picture.box(550, 300, 190, ["Locked", "100 wrong guesses", "since the last success"])
    picture.box(300, 190, 220, ["No guesses are left", "5 of each message by its client,", "10 a day of the others"])
    picture.box(20, 300, 190, ["Accepted", "limits begin anew, but", "for those of a day"])
    picture.arrow((210, 65), (298, 65))
    picture.text(254, 57, "request", anchor="middle")
    picture.arrow((298, 92), (212, 92))
    picture.text(254, 110, "600 s", anchor="middle")
    # A re-send keeps the code.
    picture.arrow((520, 55), (575, 55), (575, 90), (522, 90))
    picture.text(585, 51, "request: the same code,")
    picture.text(585, 70, "or a new one when half")
    picture.text(585, 89, "its time is over")
    picture.arrow((400, 106), (400, 188))
    picture.text(392, 152, "wrong guesses", anchor="end")
    picture.arrow((490, 188), (490, 108))
    picture.text(498, 170, "request: 5 more guesses")
    picture.arrow((320, 106), (260, 160), (260, 330), (212, 330))
    picture.text(252, 245, "right guess, once", anchor="end")
    picture.arrow((60, 298), (60, 122))
    picture.arrow((520, 215), (650, 215), (650, 298))
    picture.text(530, 207, "100th wrong guess")
    picture.arrow((548, 340), (450, 340), (450, 392), (8, 392), (8, 80), (18, 80), dashed=True)
    picture.text(240, 385, "an admin clears it")
    picture.text(20, 416, "Requests wait 30 s, 60 s … 1 h, and are ten in 24 hours. Each write is a compare-and-set.")
    return picture


PLACES = {
    "PhoneVerification": (20, 20),
    "QueuedCode": (20, 345),
    "SmsUsage": (20, 560),
    "RedeemedPhone": (290, 560),
    "ReferralCode": (540, 20),
    "Referral": (540, 240),
    "UserSession": (540, 400),
}
WIDTH = 225


def tables() -> Picture:
    """Every table and its columns, as the models say."""
    picture = Picture(785, 800, "The tables of the package and what points where")
    picture.box(290, 215, 190, ["your user model", "phone_number, unique:", "the one column of ours"], accent=True)
    models = {model.__name__: model for model in apps.get_app_config("phone_referrals").get_models()}
    for name, (x, y) in PLACES.items():
        model = models.pop(name)
        fields = [each for each in model._meta.local_fields if each.name != "id"]
        picture.box(x, y, WIDTH, [model.__name__, *map(column, fields)])
        if any(each.related_model is get_user_model() for each in fields):
            picture.arrow((x, y + 40), (505, y + 40), (505, 245), (482, 245))
        elif any(each.related_model for each in fields):
            picture.arrow((x + 110, y), (x + 110, 269))
    if models:
        raise KeyError(f"Give a place to {', '.join(models)}.")
    lines = [
        "The others point at no",
        "user: a phone has limits",
        "before it has a user, and",
        "may have redeemed with",
        "one who is gone.",
    ]
    for number, line in enumerate(lines):
        picture.text(290, 325 + LINE_HEIGHT * number, line)
    return picture


def column(field: Any) -> str:
    if field.related_model is None:
        return str(field.name)
    target = "user" if field.related_model is get_user_model() else field.related_model.__name__
    return f"{field.name} → {target}{', null' if field.null else ''}"


PICTURES = {"layout": layout, "verification": verification, "tables": tables}


def main() -> None:
    for name, draw in PICTURES.items():
        IMAGES.joinpath(f"{name}.svg").write_text(str(draw()))


if __name__ == "__main__":
    sys.path[:0] = [str(IMAGES.parents[1])]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()
