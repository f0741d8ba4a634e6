"""Every text survives the way through the cell of a spreadsheet, and none is run as a formula there."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leopard.domain.spreadsheet_cells import protected, unprotected


@given(st.text(alphabet=st.one_of(st.sampled_from("'=+-@\t\r\n 1a."), st.characters(exclude_categories=["Cs"]))))
@example("'")
@example("")
@example("''=1")
@example("+254700123456")
def test_every_text_survives_and_is_no_formula(text: str) -> None:
    cell = protected(text)
    assert unprotected(cell) == text
    assert cell
    assert not re.match(r"[=@\t\r]|[+-](?![0-9]+(\.[0-9]+)?\Z)", cell)


@pytest.mark.parametrize("text", ["Nairobi", "O'Neill", "'t Hooft", "-5", "+254700123456", "Line one\nLine two"])
def test_ordinary_texts_are_not_changed(text: str) -> None:
    assert protected(text) == text
    assert unprotected(f" {text} ") == text
