"""docs/templates.md, to the letter: its examples render as it says, and its tables list what there is."""

import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from leopard.personalization.model import Personalization, Variant
from leopard.personalization.rendering import MessageTemplates
from leopard.personalization.shares import bounds_of, variant_of
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


def test_languages_choose_what_the_page_says() -> None:
    campaign = json.loads(blocks("json campaign")[0])
    templates = MessageTemplates(
        campaign["base_template"], Personalization(attributes=["points"], templates=campaign["templates"])
    )
    table = PAGE[PAGE.index("| recipient | message |") : PAGE.index("A preview takes `language`")]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:] if line.startswith("|")]
    assert len(rows) == 5
    for language, message in rows:
        preferred = None if language == "none" else language.strip("`")
        customer = SimpleNamespace(**{**CUSTOMER, "preferred_language": preferred}, time_zone=None, created_at=None)
        assert templates.render(customer).text == message


def test_variants_are_accepted_as_the_page_shows_them() -> None:
    [block] = blocks("json variants")
    variants = [Variant.model_validate(variant) for variant in json.loads(block)["variants"]]
    bounds = bounds_of([variant.weight for variant in variants])
    chosen = Counter(variants[variant_of(1, customer, bounds) - 1].name for customer in range(4000))
    assert chosen["long"] / chosen["short"] == pytest.approx(3, rel=0.2)


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
