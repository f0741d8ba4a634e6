"""The SQL of a campaign's messages."""

from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.campaigns.content import RENDERED_CONTENT_EXAMPLE
from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.schemas import Campaign
from campaign_api.campaigns.sms import SmsSize, sms_size_of
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Id
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel, MessageStatus


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
    variant: str | None = Field(
        default=None,
        description="Name of the variant; absent if the campaign has none",
        examples=["a"],
        exclude_if=lambda variant: variant is None,
    )
    sms: SmsSize | None = Field(
        default=None,
        description="What the text takes as an SMS; absent before the first attempt, and for other channels",
        exclude_if=lambda size: size is None,
    )
    created_at: datetime = Field(description="When the message was created", examples=["2030-01-31T09:00:01Z"])
    updated_at: datetime = Field(description="When the message last changed", examples=["2030-01-31T09:00:02Z"])


VARIANT_NAME: Final = "(campaigns.personalization -> 'variants' -> (m.variant - 1) ->> 'name')"
"""SQL for the name of a message's variant; null if there is none."""

_COLUMNS: Final = f"""
SELECT m.id, m.campaign_id, m.customer_id, m.status, m.rendered_content, m.content, m.last_error, m.retry_count,
       m.next_attempt_at, {VARIANT_NAME} AS variant, m.created_at, m.updated_at
  FROM outbound_messages AS m
  JOIN campaigns ON campaigns.id = m.campaign_id
"""

# The key is the customer, because (campaign_id, customer_id) is an index that exists anyway.
_LIST: Final = f"""
{_COLUMNS}
 WHERE m.campaign_id = %(campaign_id)s AND m.customer_id > %(after)s
   AND (%(status)s::text IS NULL OR m.status = %(status)s)
 ORDER BY m.customer_id
 LIMIT %(limit)s
"""


_GET: Final = f"{_COLUMNS} WHERE m.id = %(message_id)s"


async def list_messages(
    connection: Connection, campaign: Campaign, status: MessageStatus | None, *, after: int, limit: int
) -> list[Message]:
    """Messages of a campaign to customers with ids above `after`, in the order of these ids."""
    async with connection.cursor(row_factory=class_row(Message)) as cursor:
        await cursor.execute(_LIST, {"campaign_id": campaign.id, "status": status, "after": after, "limit": limit})
        messages = await cursor.fetchall()
    return [_with_size(message, campaign) for message in messages]


async def get_message(connection: Connection, message_id: int) -> Message:
    """One message.

    Raises:
        ApiError: MESSAGE_NOT_FOUND.
    """
    async with connection.cursor(row_factory=class_row(Message)) as cursor:
        await cursor.execute(_GET, {"message_id": message_id})
        message = await cursor.fetchone()
    if message is None:
        raise ApiError(ErrorCode.MESSAGE_NOT_FOUND, f"Message {message_id} not found")
    return _with_size(message, await get_campaign(connection, message.campaign_id))


def _with_size(message: Message, campaign: Campaign) -> Message:
    if campaign.channel == Channel.SMS and message.rendered_content is not None:
        message.sms = sms_size_of(message.rendered_content)
    return message


def unknown_statuses(messages: list[Message]) -> list[str]:
    """A warning for each status that another version wrote and this version does not know."""
    unknown = sorted({message.status for message in messages} - set(MessageStatus))
    return [f"This version does not know the status {status:.40}" for status in unknown]
