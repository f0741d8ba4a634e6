"""The statistics of a campaign's variants, and how their shares of success differ."""

from itertools import combinations
from typing import Any, Final

from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from leopard.db.counts import sums_of_variants
from leopard.db.pool import Connection
from leopard.personalization.intervals import difference_of_shares

NOT_ENOUGH_DATA: Final = "not enough data"
MOST_COMPARED: Final = 5
"""With more variants, each is compared with the first only."""


class VariantStats(BaseModel):
    """Number of a variant's messages by status, as in `stats`."""

    name: str = Field(description="Name of the variant", examples=["a"])
    total: int = Field(description="All messages except cancelled ones", examples=[50])
    pending: int = Field(description="Messages not finished yet", examples=[0])
    sent: int = Field(description="Messages that the provider accepted", examples=[48])
    failed: int = Field(description="Messages that failed for good", examples=[2])
    success_share: float | None = Field(
        description="Sent messages as a share of finished ones; null before the first one", examples=[0.96]
    )


class Comparison(BaseModel):
    """How the shares of success of two variants differ."""

    variants: tuple[str, str] = Field(description="Names of the variants", examples=[["a", "b"]])
    difference: float | None = Field(
        description="Share of the first minus share of the second; null while there is not enough data", examples=[0.02]
    )
    interval: tuple[float, float] | None = Field(
        description="95 percent confidence interval of the difference (Newcombe's score method); null as above",
        examples=[[-0.03, 0.07]],
    )
    verdict: str = Field(
        description="`not enough data`, `no difference seen`, or which variant is better", examples=["not enough data"]
    )


async def variant_stats(connection: Connection, campaign_id: int, names: list[str]) -> list[VariantStats]:
    """The counts of each variant, in the order of the campaign."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sums_of_variants("%(campaign_id)s"), {"campaign_id": campaign_id})
        counted: dict[int, dict[str, Any]] = {row["variant"]: row for row in await cursor.fetchall()}
    return [_stats(name, counted.get(number, {})) for number, name in enumerate(names, start=1)]


def variant_names(stored: object) -> list[str]:
    """The names of stored variants, whatever another version has stored."""
    if not isinstance(stored, list):
        return []
    return [str(variant.get("name")) if isinstance(variant, dict) else str(variant) for variant in stored]


def _stats(name: str, counts: dict[str, Any]) -> VariantStats:
    sent, failed = counts.get("sent", 0), counts.get("failed", 0)
    total = counts.get("total", 0) - counts.get("cancelled", 0)
    return VariantStats(
        name=name,
        total=total,
        pending=total - sent - failed,
        sent=sent,
        failed=failed,
        success_share=sent / (sent + failed) if sent + failed else None,
    )


def compare(variants: list[VariantStats]) -> list[Comparison]:
    """The comparisons of each two variants; of many variants, each with the first."""
    pairs = (
        list(combinations(variants, 2))
        if len(variants) <= MOST_COMPARED
        else [(variants[0], other) for other in variants[1:]]
    )
    return [_comparison(first, second) for first, second in pairs]


def _comparison(first: VariantStats, second: VariantStats) -> Comparison:
    names = first.name, second.name
    found = difference_of_shares((first.sent, second.sent), (first.sent + first.failed, second.sent + second.failed))
    if found is None:
        return Comparison(variants=names, difference=None, interval=None, verdict=NOT_ENOUGH_DATA)
    if found.low <= 0 <= found.high:
        verdict = "no difference seen"
    else:
        verdict = f"{names[0] if found.value > 0 else names[1]} is better"
    return Comparison(variants=names, difference=found.value, interval=(found.low, found.high), verdict=verdict)
