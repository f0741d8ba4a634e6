"""The SQL of a campaign's messages."""

from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.campaigns.content import RENDERED_CONTENT_EXAMPLE
from campaign_api.web.field_types import Id
from leopard.db.pool import Connection
from leopard.domain.statuses import MessageStatus


class Message(BaseModel):
    """One message to one customer."""

    id: Id = Field(description="Id of the message", examples=[1])
    campaign_id: Id = Field(description="Id of the campaign", examples=[1])
    customer_id: Id = Field(description="Id of the customer", examples=[1])
    status: MessageStatus | str = Field(description="Status of the message; a newer version may add others")
    rendered_content: str | None = Field(
        description="Text of the message; null before the first attempt",
        examples=["Hi Alice, check out Running Shoes in Nairobi!"],
    )
    content: dict[str, Any] | None = Field(
        default=None,
        description="Rich content as it was sent; absent if the message is only text, or before the first attempt",
        examples=[RENDERED_CONTENT_EXAMPLE],
        exclude_if=lambda content: content is None,
    )
    last_error: str | None = Field(description="Error of the last failed attempt; null if none failed", examples=[None])
    retry_count: int = Field(description="Number of failed attempts", examples=[0])
    next_attempt_at: datetime | None = Field(
        description="Earliest time of the next attempt of a failed message; null if there is none", examples=[None]
    )
    created_at: datetime = Field(description="When the message was created", examples=["2030-01-31T09:00:01Z"])
    updated_at: datetime = Field(description="When the message last changed", examples=["2030-01-31T09:00:02Z"])


# The key is the customer, because (campaign_id, customer_id) is an index that exists anyway.
_LIST: Final = """
SELECT id, campaign_id, customer_id, status, rendered_content, content, last_error, retry_count, next_attempt_at,
       created_at, updated_at
  FROM outbound_messages
 WHERE campaign_id = %(campaign_id)s AND customer_id > %(after)s
   AND (%(status)s::text IS NULL OR status = %(status)s)
 ORDER BY customer_id
 LIMIT %(limit)s
"""


async def list_messages(
    connection: Connection, campaign_id: int, status: MessageStatus | None, *, after: int, limit: int
) -> list[Message]:
    """Messages of a campaign to customers with ids above `after`, in the order of these ids."""
    async with connection.cursor(row_factory=class_row(Message)) as cursor:
        await cursor.execute(_LIST, {"campaign_id": campaign_id, "status": status, "after": after, "limit": limit})
        return await cursor.fetchall()


def unknown_statuses(messages: list[Message]) -> list[str]:
    """A warning for each status that another version wrote and this version does not know."""
    unknown = sorted({message.status for message in messages} - set(MessageStatus))
    return [f"This version does not know the status {status:.40}" for status in unknown]
