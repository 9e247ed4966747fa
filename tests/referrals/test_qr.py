import re

import pytest
from django.utils.safestring import SafeString

from phone_referrals.referrals import links

LINK = "https://example.com/r/A1B2C3/"


def test_a_link_is_drawn_as_an_svg():
    svg = links.qr_code(LINK)
    assert isinstance(svg, SafeString)
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    assert 'viewBox="0 0 ' in svg


def test_the_drawing_is_the_code_of_that_link():
    assert links.qr_code(LINK) == links.qr_code(LINK)
    assert links.qr_code(LINK) != links.qr_code(LINK.replace("3", "4"))


@pytest.mark.parametrize("link", [LINK, "https://example.com/<script>alert(1)</script>", 'x"><img src=x>', "ы" * 500])
def test_it_has_no_text_of_the_link_and_passes_a_strict_policy(link):
    svg = links.qr_code(link)
    assert "example" not in svg
    assert re.fullmatch(r'[\w\s<>/="#.:-]+', svg)
    assert not re.search(r"style|script|\bon\w+=", svg)
    assert {*re.findall(r"<(\w+)", svg)} == {"svg", "path"}


def test_without_segno_there_is_none(monkeypatch):
    monkeypatch.setattr(links, "find_spec", lambda name: None)
    assert links.qr_code(LINK) == ""


def test_a_link_too_long_for_a_qr_code_has_none():
    assert links.qr_code("https://example.com/" + "x" * 5000) == ""
