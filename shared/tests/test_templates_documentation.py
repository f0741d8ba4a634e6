"""docs/templates.md, to the letter: its examples render as it says, and its tables list what there is."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from leopard.templates.compiler import MAX_RENDERED
from leopard.templates.condition_parser import MAX_CONDITION_LEVELS
from leopard.templates.date_patterns import CODES
from leopard.templates.filter_parser import MAX_FILTERS
from leopard.templates.filters import FILTERS
from leopard.templates.language import TemplateError, known_names, parse_template
from leopard.templates.parser import MAX_LEVELS
from leopard.templates.tree import Operator

PAGE: Final = (Path(__file__).parents[2] / "docs/templates.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


EXAMPLES: Final = [line.split("  ->  ") for block in blocks("examples") for line in block.splitlines()]
CUSTOMER: Final = json.loads(blocks("json")[0])
KNOWN: Final = known_names(CUSTOMER["attributes"])


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 15
    assert all(len(example) == 2 for example in EXAMPLES)


@pytest.mark.parametrize(("template", "text"), EXAMPLES)
def test_an_example_renders_as_the_page_says(template: str, text: str) -> None:
    assert parse_template(template, KNOWN).render(CUSTOMER) == text


@pytest.mark.parametrize("block", blocks("error"))
def test_an_error_looks_as_the_page_says(block: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(block.splitlines()[0], KNOWN)
    assert f"{caught.value.picture}\n{caught.value}\n" == block


def test_the_page_lists_all_filters_codes_and_operators() -> None:
    table = PAGE[PAGE.index("| filter |") : PAGE.index("Codes of dates")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`([a-z]+)", cell)} == set(FILTERS)
    codes = next(line for line in PAGE.splitlines() if line.startswith("Codes of dates"))
    assert re.findall(r"`%(-?.)`", codes) == list(CODES)
    operators = next(line for line in PAGE.splitlines() if line.startswith("- Operators"))
    assert {*Operator, "and", "or", "not"} == set(re.findall(r"`([^`]+)`", operators[: operators.index(". ")]))


def test_the_page_has_the_limits() -> None:
    table = PAGE[PAGE.index("| limit |") : PAGE.index("## Segments")]
    limits = [int(number.replace(",", "")) for number in re.findall(r"\| ([0-9,]+) \|$", table, re.MULTILINE)]
    assert limits == [MAX_LEVELS, MAX_CONDITION_LEVELS, MAX_FILTERS, MAX_RENDERED]
