"""The messages on the broker: jobs and nudges.

A job carries only ids; the worker reads everything else from PostgreSQL. Fields may be added but never renamed. A
reader ignores unknown fields.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

BigInt = Annotated[int, Field(ge=1, le=2**63 - 1)]


class MessageJob(BaseModel):
    """Send one message of a campaign to one customer."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    message_id: BigInt
    campaign_id: BigInt
    customer_id: BigInt


class Nudge(BaseModel):
    """Wakes the dispatcher because a campaign has new work. May be lost: the dispatcher also polls."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    campaign_id: BigInt
