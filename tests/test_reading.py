import pytest
from hypothesis import given
from hypothesis import strategies as st

from phone_referrals.reading import bare, shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("1\u200b2\u00ad3\u20604\ufe0f5\u2066\u2069\u200e\u034f\u3164", "12345"),
        ("1\u00a02\u20093\u202f4\u30005\t6\n", "1 2 3 4 5 6 "),
        ("1\u22122\u20133\u02d74\u30fc5", "1-2-3-4-5"),
        ("\uff0b\ufe62", "++"),
        ("١२𝟛４", "1234"),
        ("\u202e1", "\u202e1"),  # is shown from its end
        ("\u00b3½①ⅷ一\0é", "\u00b3½①ⅷ一\0é"),
    ],
)
def test_what_a_person_sees_is_read(text, seen):
    assert shown(text) == seen


@pytest.mark.parametrize(
    "text", ["A-1", " A\u20131.", "(A1)", "«A 1»,", "#A1", "<A1>", "`A1`", "\u200bA1!\u2069", "/A1/"]
)
def test_punctuation_around_is_not_read(text):
    assert bare(text) == "A1"


@pytest.mark.parametrize("text", ["A.1", "😀", "+A", "A\u0301"])
def test_punctuation_inside_and_any_other_character_is_read(text):
    assert bare(text) == text


@pytest.mark.unmeasured
@given(st.text())
def test_what_was_read_is_read_again_as_it_is(text):
    assert shown(shown(text)) == shown(text)
    assert bare(bare(text)) == bare(text)
