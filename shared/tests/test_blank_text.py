"""Blank texts are detected: texts in which a reader sees nothing."""

import unicodedata

import pytest

from leopard.domain.blank_text import is_blank


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t\r\v\f",
        "\u00a0\u2003\u3000\u1680",
        "\u2028\u2029\u0085",
        "\u200b\u200c\u200d",
        "\ufeff",
        "\u2060\u2061\u2064",
        "\u200e\u200f\u202a\u202e\u2066\u2069",
        "\u00ad",
        "\u180e",
        "\ufe0e\ufe0f",
        "\U000e0100\U000e01ef",
        "\u115f\u1160\u3164\uffa0",
        "\u034f",
        "\u2800",
        "\u17b4\u17b5",
        "\U000e0001\U000e0020\U000e007f",
        "\x00\x07\x1b",
        " \u200b \ufe0f\n\u3164 ",
    ],
    ids=ascii,
)
def test_a_text_without_visible_characters_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        ".",
        "0",
        " a ",
        "\u200bHi\u200b",
        "👋🏾",
        "❤\ufe0f",
        "ي",
        "中",
        "\u0600",
        "e\u0301",
        "\u0301",
        "\u2801",
        "\uac00",
        "\ue000",
        "\ufffd",
    ],
    ids=ascii,
)
def test_a_text_with_a_visible_character_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_every_separator_is_blank_and_no_visible_letter_is() -> None:
    fillers = {0x115F, 0x1160, 0x3164, 0xFFA0}
    for code in range(0x110000):
        character = chr(code)
        category = unicodedata.category(character)
        if category.startswith("Z") or character.isspace():
            assert is_blank(character), hex(code)
        if category[0] in "LNP" and code not in fillers:
            assert not is_blank(character), hex(code)
