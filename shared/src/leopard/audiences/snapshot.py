"""The snapshot of an audience at its send: stores and counts it. The dispatcher writes the message rows later."""

from typing import Any, Final

from psycopg.types.json import Jsonb

from leopard.audiences.model import Audience
from leopard.db.pool import Connection
from leopard.domain.phone_numbers import TEST_PREFIX

MATCHES: Final = f"""
    NOT starts_with(customers.phone, '{TEST_PREFIX}')
    AND (%(location)s::text IS NULL OR customers.location = %(location)s)
    AND (%(preferred_product)s::text IS NULL OR customers.preferred_product = %(preferred_product)s)
"""
"""The SQL condition for a customer of the audience. Excludes test customers. Takes `audience_parameters`."""

_BEGIN: Final = f"""
WITH counted AS (
    SELECT count(*) AS customers, max(customers.id) AS last_id
      FROM customers
     WHERE {MATCHES}
)
UPDATE campaigns
   SET audience = %(audience)s,
       audience_last_id = COALESCE(counted.last_id, 0),
       audience_planned_to = 0,
       audience_unplanned = counted.customers
  FROM counted
 WHERE campaigns.id = %(campaign_id)s
RETURNING counted.customers
"""


def audience_parameters(audience: Audience) -> dict[str, Any]:
    """The parameters of `MATCHES`. For all customers every parameter is NULL."""
    wanted = audience.filter
    return {
        "location": wanted.location if wanted else None,
        "preferred_product": wanted.preferred_product if wanted else None,
    }


async def begin_audience_send(connection: Connection, campaign_id: int, audience: Audience) -> int:
    """Store the campaign's audience in the caller's transaction; returns its number of customers."""
    cursor = await connection.execute(
        _BEGIN,
        {
            "campaign_id": campaign_id,
            "audience": Jsonb(audience.model_dump(exclude_none=True)),
            **audience_parameters(audience),
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 the caller has locked the campaign's row
    return int(row[0])
