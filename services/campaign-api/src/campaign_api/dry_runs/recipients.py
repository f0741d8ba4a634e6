"""The recipients of a dry run: those of an audience, or customers by their ids, as a send would select them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import AsyncServerCursor

from campaign_api.web.field_types import MAX_BIGINT
from leopard.audiences.model import Audience
from leopard.audiences.selection import Selection, select_audience
from leopard.audiences.snapshot import SAMPLE
from leopard.db.pool import Connection

_COUNT: Final = "SELECT count(*) FROM customers WHERE {condition}"

# in the order of the fields of Member
_SELECT: Final = """
SELECT id, phone, first_name, last_name, location, preferred_product, preferred_language, time_zone, created_at,
       attributes
  FROM customers
 WHERE {condition}
 {sample}
"""


class Member(NamedTuple):
    """A recipient with all that templates can use."""

    id: int
    phone: str
    first_name: str | None
    last_name: str | None
    location: str | None
    preferred_product: str | None
    preferred_language: str | None
    time_zone: str | None
    created_at: datetime | None
    attributes: Mapping[str, Any] | None


async def select_recipients(connection: Connection, recipients: Audience | list[int]) -> Selection:
    """The customers of an audience, or those with given ids, also test customers.

    Raises:
        SegmentNotFoundError: A segment of the audience does not exist.
        FilterError: A filter does not fit the fields of customers.
    """
    if isinstance(recipients, Audience):
        return await select_audience(connection, recipients)
    # written as text: psycopg can adapt a list too, but takes twenty times as long
    listed = "{" + ",".join(str(id_) for id_ in recipients if id_ <= MAX_BIGINT) + "}"
    return Selection("customers.id = ANY(%(customer_ids)s::bigint[])", {"customer_ids": listed}, None)


async def count_recipients(connection: Connection, selection: Selection) -> int:
    """How many customers are selected now."""
    cursor = await connection.execute(_COUNT.format(condition=selection.condition), selection.parameters)
    [(count,)] = await cursor.fetchall()
    return int(count) if selection.limit is None else min(int(count), selection.limit)


@asynccontextmanager
async def open_members(
    connection: Connection, selection: Selection, campaign_id: int
) -> AsyncIterator["AsyncServerCursor[Any]"]:
    """A cursor over the selected customers, all as they are now. Its rows are the fields of `Member`.

    Args:
        connection: Has an open transaction.
        selection: The customers.
        campaign_id: The campaign, which determines the random sample.
    """
    statement = _SELECT.format(condition=selection.condition, sample="" if selection.limit is None else SAMPLE)
    async with connection.cursor(name="dry_run") as cursor:
        await cursor.execute(statement, {**selection.parameters, "campaign_id": campaign_id, "limit": selection.limit})
        yield cursor
