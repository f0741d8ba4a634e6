"""The transaction of a send: after its commit, no message can be lost."""

from typing import Final

from pydantic import BaseModel, Field, model_validator

from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.campaigns.queries import get_campaign, refuse_unless_editable, refuse_unless_known
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import MAX_BIGINT, Id, JsonIds, RequestModel
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.counts import WRITER_SHARD, adding, shard_of
from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import EDITABLE, CampaignStatus
from leopard.personalization.shares import held_out_sql, variant_sql
from leopard.telemetry.tracing import current_traceparent

LISTED_NOT_FOUND: Final = 100


class SendRequest(RequestModel):
    """The recipients of a send: either `customer_ids` or `audience`."""

    customer_ids: JsonIds | None = Field(default=None, description="Ids of the customers", examples=[[1, 2, 3]])
    audience: Audience | None = Field(default=None, description="The customers to select", examples=[{"all": True}])

    @model_validator(mode="after")
    def _one_of_two(self) -> "SendRequest":
        if (self.customer_ids is None) == (self.audience is None):
            msg = "give either customer_ids or audience"
            raise ValueError(msg)
        return self


class SendAnswer(BaseModel):
    """The result of a send."""

    campaign_id: Id = Field(description="Id of the campaign", examples=[1])
    messages_queued: int = Field(description="Number of messages to send", examples=[3])
    status: CampaignStatus = Field(description="Status of the campaign", examples=[CampaignStatus.SENDING])
    customers_not_found: list[Id] | None = Field(
        default=None, description="The first 100 ids that no customer has; absent if all exist", examples=[[999]]
    )


_CLEAR_AUDIENCE: Final = (
    "UPDATE campaigns SET audience = NULL, traceparent = %(traceparent)s WHERE id = %(campaign_id)s"
)

_STORE_TRACE: Final = "UPDATE campaigns SET traceparent = %(traceparent)s WHERE id = %(campaign_id)s"

_COUNT_QUEUED: Final = adding(
    ("total", "held_out"),
    f"""
    SELECT %(campaign_id)s, shard, sum(total), sum(held_out)
      FROM (SELECT {shard_of("variant", WRITER_SHARD)} AS shard, 1 AS total, 0 AS held_out FROM queued
            UNION ALL
            SELECT {WRITER_SHARD}, 0, 1 FROM known WHERE held_out) AS each
     GROUP BY shard
     ORDER BY shard
    """,
)

# The key share lock keeps a customer from being deleted between here and the check of the foreign key.
_QUEUE: Final = f"""
WITH known AS (
    SELECT customers.id, campaigns.variant_bounds,
           {held_out_sql("campaigns.id", "customers.id", "campaigns.holdout_share")} AS held_out
      FROM customers
     CROSS JOIN campaigns
     WHERE customers.id = ANY(%(customer_ids)s::bigint[]) AND campaigns.id = %(campaign_id)s
     ORDER BY customers.id
       FOR KEY SHARE OF customers
), queued AS (
    INSERT INTO outbound_messages (campaign_id, customer_id, variant)
    SELECT %(campaign_id)s, id, {variant_sql("%(campaign_id)s::bigint", "id", "variant_bounds")}
      FROM known
     WHERE NOT held_out
    RETURNING customer_id, variant
), numbered AS (
    SELECT customer_id, (row_number() OVER (ORDER BY customer_id) - 1) / %(chunk_size)s AS chunk
      FROM queued
), chunked AS (
    INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
    SELECT %(campaign_id)s, min(customer_id), max(customer_id)
      FROM numbered
     GROUP BY chunk
     ORDER BY chunk
), counted AS (
    {_COUNT_QUEUED}
)
SELECT (SELECT array_agg(customer_id) FROM queued), (SELECT array_agg(id) FROM known WHERE held_out)
"""


async def send_campaign(
    connection: Connection, campaign_id: int, request: SendRequest, *, chunk_size: int
) -> SendAnswer:
    """Start a campaign, in the caller's transaction; of two sends at the same time, one wins.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS, NO_VALID_CUSTOMERS; INVALID_REQUEST or SEGMENT_NOT_FOUND where the
            audience cannot be selected; INVALID_TEMPLATE or INVALID_REQUEST where another version wrote what this one
            does not know.
    """
    moved = await move_campaign(connection, campaign_id, CampaignStatus.SENDING, only_from=EDITABLE)
    campaign = await get_campaign(connection, campaign_id)
    if not moved:
        refuse_unless_editable(campaign)
    refuse_unless_known(campaign)
    trace = {"campaign_id": campaign_id, "traceparent": current_traceparent()}
    if request.audience is not None:
        await connection.execute(_STORE_TRACE, trace)
        with answering_audience_problems():
            queued = await begin_audience_send(connection, campaign_id, request.audience, chunk_size=chunk_size)
        missing: list[int] = []
    else:
        await connection.execute(_CLEAR_AUDIENCE, trace)
        queued, missing = await _queue_named(connection, campaign_id, request.customer_ids or [], chunk_size)
    if queued == 0:
        raise ApiError(ErrorCode.NO_VALID_CUSTOMERS, "None of the customers exists, or all are in the hold-out")
    return SendAnswer(
        campaign_id=campaign_id,
        messages_queued=queued,
        status=CampaignStatus.SENDING,
        customers_not_found=missing[:LISTED_NOT_FOUND] or None,
    )


async def _queue_named(
    connection: Connection, campaign_id: int, customer_ids: list[int], chunk_size: int
) -> tuple[int, list[int]]:
    wanted = dict.fromkeys(customer_ids)
    cursor = await connection.execute(
        _QUEUE,
        {
            "campaign_id": campaign_id,
            # written as text: psycopg can adapt a list too, but takes twenty times as long
            "customer_ids": "{" + ",".join(str(id_) for id_ in wanted if id_ <= MAX_BIGINT) + "}",
            "chunk_size": chunk_size,
        },
    )
    [(queued, held_out)] = await cursor.fetchall()
    known = {*(queued or ()), *(held_out or ())}
    return len(queued or ()), [customer_id for customer_id in wanted if customer_id not in known]
