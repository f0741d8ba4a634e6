"""Segments of an SMS are counted as the standards say, and as another library counts them."""

import random
from typing import Final

import gsm0338
import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from leopard.domain.sms_segments import (
    GSM7_ALPHABET,
    GSM7_EXTENSION,
    SmsEncoding,
    SmsSegments,
    sms_segments,
    ucs2_characters,
)

GSM7, UCS2 = SmsEncoding.GSM7, SmsEncoding.UCS2
TEXTS: Final = 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A" * 160, SmsSegments(GSM7, 160, 1)),
        ("A" * 161, SmsSegments(GSM7, 161, 2)),
        ("A" * 307, SmsSegments(GSM7, 307, 3)),
        ("A" * 159 + "€", SmsSegments(GSM7, 161, 2)),
        ("€" * 80, SmsSegments(GSM7, 160, 1)),
        ("A" * 152 + "€" + "A" * 152, SmsSegments(GSM7, 306, 3)),
        ("€" * 153, SmsSegments(GSM7, 306, 3)),
        ("Ç" * 160, SmsSegments(GSM7, 160, 1)),
        ("ç" + "A" * 70, SmsSegments(UCS2, 71, 2)),
        ("😀" * 35, SmsSegments(UCS2, 70, 1)),
        ("😀" * 36, SmsSegments(UCS2, 72, 2)),
        ("й" * 66 + "😀" + "й" * 66, SmsSegments(UCS2, 134, 3)),
        ("й" * 135, SmsSegments(UCS2, 135, 3)),
        ("Hello €5 [x]", SmsSegments(GSM7, 15, 1)),
        ("", SmsSegments(GSM7, 0, 1)),
        ("A" * 153 * 255, SmsSegments(GSM7, 153 * 255, 255)),
    ],
)
def test_known_texts(text: str, expected: SmsSegments) -> None:
    assert sms_segments(text) == expected


def test_the_alphabet_is_that_of_another_library() -> None:
    codec = gsm0338.Codec()
    encoded = {}
    for code in range(0x10000):
        try:
            encoded[chr(code)] = len(codec.encode(chr(code))[0])
        except UnicodeEncodeError:
            continue
    # the escape code itself is no character
    del encoded["\x1b"]
    assert {character for character, units in encoded.items() if units == 1} == GSM7_ALPHABET
    assert {character for character, units in encoded.items() if units == 2} == GSM7_EXTENSION


def random_text(source: random.Random) -> str:
    """A text of up to six segments. Characters of two units are frequent in some texts, UCS-2 in others."""
    alphabets = ["ABC xyz 012 @£é\n", "".join(sorted(GSM7_ALPHABET)), "".join(sorted(GSM7_EXTENSION)), "йçñ”", "😀🚗👋"]
    weights = source.choice([(8, 1, 0, 0, 0), (5, 1, 1, 0, 0), (0, 1, 9, 0, 0), (8, 1, 0, 1, 0), (1, 1, 0, 2, 4)])
    lengths = source.choice([range(1, 200), range(150, 165), range(300, 310), range(60, 75), range(120, 900)])
    return "".join(source.choice(alphabet) for alphabet in source.choices(alphabets, weights, k=source.choice(lengths)))


def test_segments_of_random_texts_equal_those_of_another_library() -> None:
    source = random.Random(20261201)
    seen = set()
    for _ in range(TEXTS):
        text = random_text(source)
        parts = smsutil.split(text)
        units = parts.total_bytes // (1 if parts.encoding == "gsm0338" else 2)
        expected = SmsSegments(GSM7 if parts.encoding == "gsm0338" else UCS2, units, len(parts.parts))
        assert sms_segments(text) == expected, text
        seen.add((expected.encoding, expected.segments))
    assert {(encoding, segments) for encoding in SmsEncoding for segments in range(1, 6)} <= seen


@given(st.text(st.one_of(st.sampled_from("AéÇç€[й😀"), st.characters(exclude_categories=["Cs"]))))
def test_ucs2_is_needed_exactly_where_characters_force_it(text: str) -> None:
    forcing = ucs2_characters(text)
    assert bool(forcing) == (sms_segments(text).encoding is UCS2)
    assert all(text[position] == character for character, positions in forcing.items() for position in positions)
    assert ucs2_characters("".join(character for character in text if character not in forcing)) == {}


def test_characters_that_force_ucs2_are_named_with_their_positions() -> None:
    assert ucs2_characters("“Ofa” ya façade €5 “") == {"“": [0, 19], "”": [4], "ç": [11]}
