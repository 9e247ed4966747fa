import re

import pytest
from django.utils.safestring import SafeString

from phone_referrals.referrals import qr

LINK = "https://example.com/r/A1B2C3/"


def test_a_link_is_drawn_as_an_svg():
    svg = qr.draw(LINK)
    assert isinstance(svg, SafeString)
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    assert 'viewBox="0 0 ' in svg


def test_the_drawing_is_the_code_of_that_link():
    assert qr.draw(LINK) == qr.draw(LINK)
    assert qr.draw(LINK) != qr.draw(LINK.replace("3", "4"))


@pytest.mark.parametrize("link", [LINK, "https://example.com/<script>alert(1)</script>", 'x"><img src=x>', "ы" * 500])
def test_nothing_of_the_link_is_in_it_and_nothing_that_a_strict_policy_forbids(link):
    svg = qr.draw(link)
    assert "example" not in svg
    assert re.fullmatch(r'[\w\s<>/="#.:-]+', svg)
    assert not re.search(r"style|script|\bon\w+=", svg)
    assert {*re.findall(r"<(\w+)", svg)} == {"svg", "path"}


def test_without_segno_there_is_none(monkeypatch):
    monkeypatch.setattr(qr, "find_spec", lambda name: None)
    assert qr.draw(LINK) == ""


def test_a_link_too_long_for_a_qr_code_has_none():
    assert qr.draw("https://example.com/" + "x" * 5000) == ""
