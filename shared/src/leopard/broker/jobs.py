"""What travels over the broker.

A job carries ids only; everything else is read from PostgreSQL when the job is done. Fields may be added, never
renamed: a reader ignores what it does not know.
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
    """There is something new to do for this campaign; may be lost, the dispatcher polls anyway."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    campaign_id: BigInt
