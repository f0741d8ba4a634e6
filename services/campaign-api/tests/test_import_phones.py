"""Phone numbers in files: the fast way agrees with the careful one, and what people really write gets a reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_api.imports import phones
from campaign_api.imports.phones import imported_phone
from campaign_api.imports.records import CellError
from leopard.domain.phone_spellings import normalised_phone


@settings(max_examples=2000)
@given(st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z"))
def test_a_clean_number_comes_out_as_the_careful_way_spells_it(number: str) -> None:
    clean = phones._clean(number)  # noqa: SLF001 the shortcut is the subject
    if clean is not None:
        assert clean == normalised_phone(number)


@pytest.mark.parametrize("number", ["+254700123456", "+4915112345678", "+12125551234", "+9991234567", "+8613812345678"])
def test_ordinary_numbers_take_the_fast_way(number: str) -> None:
    assert phones._clean(number) == number  # noqa: SLF001


@given(st.text(max_size=60), st.sampled_from([None, "KE", "US", "DE"]))
def test_any_text_is_a_number_or_has_a_reason(text: str, country: str | None) -> None:
    try:
        found = imported_phone(text, country)
    except CellError:
        return
    assert normalised_phone(found) == found


@pytest.mark.parametrize(
    ("cell", "country", "number"),
    [
        ("0700 123456", "KE", "+254700123456"),
        ("254700123456", "KE", "+254700123456"),
        ("(0151) 1234-5678", "DE", "+4915112345678"),
        ("00254700123456", None, "+254700123456"),
        ("00254700123456", "DE", "+254700123456"),
        ("'+254700123456", None, "+254700123456"),
        ("+44 (0)7911 123456", "KE", "+447911123456"),
        ("\u202a+254 700 123456\u202c", None, "+254700123456"),
    ],
)
def test_numbers_are_read_as_they_are_written(cell: str, country: str | None, number: str) -> None:
    assert imported_phone(cell, country) == number


@pytest.mark.parametrize(
    ("cell", "country", "words"),
    [
        ("2.54700123456E+11", "KE", "shortened by a spreadsheet"),
        ("2,547E+11", None, "shortened by a spreadsheet"),
        ("0700123456 or 0711123456", "KE", "more than one"),
        ("+254700123456;+254711123456", None, "more than one"),
        ("+254700123456 +254711123456", None, "more than one"),
        ("700123456", None, "no country code"),
        ("n/a", "KE", "letters"),
        ("12", "KE", "KE"),
        ("0700123456 x5", "KE", "letters"),
        ("\u0660\u0667\u0660\u0660", None, "E.164"),
    ],
)
def test_what_is_no_number_gets_a_reason(cell: str, country: str | None, words: str) -> None:
    with pytest.raises(CellError, match=words):
        imported_phone(cell, country)
