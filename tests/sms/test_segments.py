"""The cost of a text. The table is that of 3GPP TS 23.038, 6.2.1, in Unicode, in the order of its septets."""

import pytest

from phone_referrals.sms import segments
from phone_referrals.sms.segments import BASIC, EXTENDED

GSM = """
0040 00A3 0024 00A5 00E8 00E9 00F9 00EC 00F2 00C7 000A 00D8 00F8 000D 00C5 00E5
0394 005F 03A6 0393 039B 03A9 03A0 03A8 03A3 0398 039E ---- 00C6 00E6 00DF 00C9
0020 0021 0022 0023 00A4 0025 0026 0027 0028 0029 002A 002B 002C 002D 002E 002F
0030 0031 0032 0033 0034 0035 0036 0037 0038 0039 003A 003B 003C 003D 003E 003F
00A1 0041 0042 0043 0044 0045 0046 0047 0048 0049 004A 004B 004C 004D 004E 004F
0050 0051 0052 0053 0054 0055 0056 0057 0058 0059 005A 00C4 00D6 00D1 00DC 00A7
00BF 0061 0062 0063 0064 0065 0066 0067 0068 0069 006A 006B 006C 006D 006E 006F
0070 0071 0072 0073 0074 0075 0076 0077 0078 0079 007A 00E4 00F6 00F1 00FC 00E0
"""
TABLE = [chr(int(code, 16)) for code in GSM.split() if code != "----"]  # The one left out is the escape.
ESCAPED = [chr(code) for code in (0x0C, 0x5E, 0x7B, 0x7D, 0x5C, 0x5B, 0x7E, 0x5D, 0x7C, 0x20AC)]


def test_the_alphabet_is_that_of_the_standard():
    assert len(TABLE) == 127
    assert set(TABLE) == BASIC
    assert set(ESCAPED) == EXTENDED


def test_a_character_of_the_alphabet_is_one_of_160():
    counted = {char: [segments(char * length) for length in (160, 161, 306, 307)] for char in TABLE}
    assert counted == {char: [1, 2, 2, 3] for char in TABLE}


@pytest.mark.parametrize("char", ESCAPED)
def test_a_character_behind_an_escape_is_two_of_160(char):
    # 76 of them are 152 septets: an escape is never the last of a segment.
    assert [segments(char * length) for length in (80, 81, 152, 153)] == [1, 2, 2, 3]


@pytest.mark.parametrize("char", ["б", "ё", "中", "ç", "`", "“", "\t", "\x1b", "\u00a0", "\x00", "ﬁ"])
def test_any_other_character_makes_the_text_one_of_70(char):
    assert [segments(char + "a" * (length - 1)) for length in (70, 71, 134, 135)] == [1, 2, 2, 3]


@pytest.mark.parametrize("char", ["😀", "𝟙"])
def test_a_character_of_two_units_is_not_torn_apart(char):
    # 33 of them are 66 units of 67.
    assert [segments(char * length) for length in (35, 36, 66, 67)] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        ("a" * 159 + "€", 2),
        ("a" * 158 + "€", 1),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("a" * 151 + "€" + "a" * 153, 2),
        ("б" * 66 + "😀" + "б" * 66, 3),
        ("Your code: 123456. Tell it to nobody.\n\n@example.com #123456", 1),
        ("a" * 1530, 10),
        ("a" * 1531, 11),
    ],
)
def test_how_many_segments_a_text_takes(text, number):
    assert segments(text) == number
