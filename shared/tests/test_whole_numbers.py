"""Whole numbers and amounts are written as babel writes them, in every language."""

from typing import Final

import pytest
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from leopard.templates.locale_formats import format_amount, format_number

LANGUAGES: Final = sorted(locale_identifiers())
CURRENCIES: Final = ("KES", "UGX", "JPY", "KWD", "EUR")
NUMBERS: Final = (0, 1, 12, 999, 1000, 9999, 10_000, 123_456, 1_234_567, 10**9, 10**15 - 1, -1, -12_345)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_language_writes_whole_numbers_as_babel_does(number: int) -> None:
    for language in LANGUAGES:
        # a text that spells a number is written by babel
        assert format_number(number, language) == format_number(str(number), language), language


@given(st.integers(0, 10**15 - 1), st.sampled_from(LANGUAGES), st.sampled_from(CURRENCIES))
def test_a_number_and_the_text_that_spells_it_are_written_alike(number: int, language: str, currency: str) -> None:
    assert format_number(number, language) == format_number(str(number), language)
    assert format_amount(number, currency, language) == format_amount(str(number), currency, language)
