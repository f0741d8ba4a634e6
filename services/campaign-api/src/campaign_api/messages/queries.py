"""The messages of a campaign, as clients see them."""

from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from pydantic import BaseModel

from leopard.db.pool import Connection
from leopard.domain.statuses import MessageStatus


class Message(BaseModel):
    """One message to one customer."""

    id: int
    campaign_id: int
    customer_id: int
    status: MessageStatus | str
    rendered_content: str | None
    last_error: str | None
    retry_count: int
    next_attempt_at: datetime | None
    """When a failed message is tried again; null: it is not."""
    created_at: datetime
    updated_at: datetime


# The key is the customer: (campaign_id, customer_id) is the index that every message has anyway.
_LIST: Final = """
SELECT id, campaign_id, customer_id, status, rendered_content, last_error, retry_count, next_attempt_at,
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
    """A warning for every status among `messages` that another version wrote and this one does not know."""
    unknown = sorted({message.status for message in messages} - set(MessageStatus))
    return [f"This version does not know the status {status:.40}" for status in unknown]
