"""docs/dry-run.md describes what the API answers and takes."""

import re
from pathlib import Path

from campaign_api.dry_runs.report import SAMPLES, DryRunReport
from campaign_api.dry_runs.routes import ANSWER_SECONDS
from campaign_api.dry_runs.schemas import DryRunRequest
from campaign_api.prices import PriceTable
from leopard.domain.dry_runs import DryRunStatus

TEXT = (Path(__file__).parents[3] / "docs" / "dry-run.md").read_text()


def names_of(section: str) -> set[str]:
    """The names in the first column of the table of a section."""
    part = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")]
    return {name for cell in first for name in re.findall(r"`(\w+)`", cell)}


def test_every_field_and_status_is_described() -> None:
    assert names_of("Answer") == set(DryRunStatus)
    # the customers beside a number are described with it
    assert names_of("Report") == DryRunReport.model_fields.keys() - {"empty_customer_ids"}
    assert {name for name in DryRunRequest.model_fields if f"| `{name}` |" in TEXT} == DryRunRequest.model_fields.keys()


def test_the_numbers_are_those_of_the_code() -> None:
    assert (ANSWER_SECONDS, SAMPLES) == (3.0, 20)
    assert "within three seconds" in TEXT
    assert "twenty of them" in TEXT


def test_the_example_of_prices_is_a_table() -> None:
    [example] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    table = PriceTable.model_validate_json(example)
    found = [str(table.price_of(table.prefix_of(phone) or "")) for phone in ("+254712345678", "+254112345678", "+4915")]
    assert found == ["0.65", "0.80", "6.00"]
