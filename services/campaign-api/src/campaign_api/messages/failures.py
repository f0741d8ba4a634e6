"""Why messages of a campaign failed: counts by reason, with examples."""

from typing import Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.web.field_types import Id
from leopard.db.message_states import WAITS_FOR_RETRY
from leopard.db.pool import Connection

MOST_REASONS: Final = 100
EXAMPLES: Final = 5


class Failure(BaseModel):
    """The messages of a campaign that failed for one reason."""

    reason: str | None = Field(description="Error of the last attempt", examples=["provider answered 500"])
    messages: int = Field(description="Number of messages", examples=[12])
    waiting: int = Field(description="How many of them wait for another attempt", examples=[3])
    message_ids: list[Id] = Field(description=f"Ids of up to {EXAMPLES} of them", examples=[[7, 9]])


# Examples are looked up for each reason: an array of a million ids would be sorted for five of them.
_FAILURES: Final = f"""
WITH reasons AS (
    SELECT m.last_error AS reason, count(*) AS messages, count(*) FILTER (WHERE {WAITS_FOR_RETRY}) AS waiting
      FROM outbound_messages AS m
     WHERE m.campaign_id = %(campaign_id)s AND m.status = 'failed'
     GROUP BY m.last_error
     ORDER BY messages DESC, reason
     LIMIT %(most)s
)
SELECT reasons.*, examples.message_ids
  FROM reasons
 CROSS JOIN LATERAL (
       SELECT array_agg(example.id ORDER BY example.id) AS message_ids
         FROM (SELECT m.id
                 FROM outbound_messages AS m
                WHERE m.campaign_id = %(campaign_id)s AND m.status = 'failed'
                  AND m.last_error IS NOT DISTINCT FROM reasons.reason
                LIMIT %(examples)s) AS example
       ) AS examples
 ORDER BY reasons.messages DESC, reasons.reason
"""


async def failures_of(connection: Connection, campaign_id: int) -> list[Failure]:
    """The most frequent reasons first."""
    async with connection.cursor(row_factory=class_row(Failure)) as cursor:
        await cursor.execute(_FAILURES, {"campaign_id": campaign_id, "most": MOST_REASONS, "examples": EXAMPLES})
        return await cursor.fetchall()
