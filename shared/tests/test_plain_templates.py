"""Templates of the first version, without filters, conditions and quoted texts, render as they always did."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from leopard.templates.language import TemplateError, parse_template

GOLDEN: Final = json.loads((Path(__file__).parent / "golden/plain_templates.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["accepted"], ids=lambda case: case["template"][:40])
def test_a_plain_template_renders_as_in_the_first_version(case: dict[str, Any]) -> None:
    template = parse_template(case["template"])
    assert [template.render(customer) for customer in GOLDEN["customers"]] == case["rendered"]
    assert list(template.unknown) == case["unknown"]


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: case["template"][:40])
def test_a_plain_template_is_refused_as_in_the_first_version(case: dict[str, Any]) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(case["template"])
    assert (caught.value.line, caught.value.column) == (case["line"], case["column"])
