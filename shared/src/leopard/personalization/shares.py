"""Divides the recipients of a campaign: into variants, and into those that get a message and the hold-out.

Each division is a hash of the campaign and the customer, so that every process and every repetition agrees. Python and
SQL compute the same numbers.
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Final

_DIGITS: Final = 13
"""Hexadecimal digits of the hash: 52 bits are exact in a floating-point number."""

VARIANT: Final = "variant"
HOLDOUT: Final = "holdout"


def share_of(purpose: str, campaign_id: int, customer_id: int) -> float:
    """A number from 0 up to, but not including, 1."""
    digest = sha256(f"{purpose}:{campaign_id}:{customer_id}".encode()).hexdigest()
    return int(digest[:_DIGITS], 16) / 16**_DIGITS


def share_sql(purpose: str, campaign_id: str, customer_id: str) -> str:
    """SQL for `share_of`.

    Args:
        purpose: What is divided.
        campaign_id: An SQL expression for the campaign's id.
        customer_id: An SQL expression for the customer's id.
    """
    hashed = f"sha256(convert_to('{purpose}:' || {campaign_id} || ':' || {customer_id}, 'UTF8'))"
    return f"(('x' || left(encode({hashed}, 'hex'), {_DIGITS}))::bit({_DIGITS * 4})::bigint / 16.0::float8 ^ {_DIGITS})"


def bounds_of(weights: Sequence[int]) -> list[float]:
    """Where the share of each variant begins: [0, 0.25] for the weights 1 and 3."""
    total = sum(weights)
    return [begin / total for begin in accumulate(weights[:-1], initial=0)]


def variant_of(campaign_id: int, customer_id: int, bounds: Sequence[float]) -> int:
    """The number of a customer's variant, from 1."""
    return bisect_right(bounds, share_of(VARIANT, campaign_id, customer_id))


def variant_sql(campaign_id: str, customer_id: str, bounds: str) -> str:
    """SQL for `variant_of`; null where there are no bounds."""
    return (
        f"CASE WHEN {bounds} IS NOT NULL"
        f" THEN width_bucket({share_sql(VARIANT, campaign_id, customer_id)}, {bounds})::smallint END"
    )


def is_held_out(campaign_id: int, customer_id: int, holdout_share: float) -> bool:
    """Whether a customer gets no message of the campaign, because it is in the hold-out."""
    return holdout_share > 0 and share_of(HOLDOUT, campaign_id, customer_id) < holdout_share


def held_out_sql(campaign_id: str, customer_id: str, holdout_share: str) -> str:
    """SQL for `is_held_out`."""
    return f"({holdout_share} > 0 AND {share_sql(HOLDOUT, campaign_id, customer_id)} < {holdout_share})"
