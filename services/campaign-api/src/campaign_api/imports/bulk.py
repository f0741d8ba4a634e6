"""Many customers in one request: each is created, updated, left unchanged, or rejected by itself."""

import asyncio
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from campaign_api.customers.attributes import AttributeLimits, FieldProblem
from campaign_api.customers.fields import types_of_new
from campaign_api.imports.batches import BATCH_ROWS, Batch, Batches
from campaign_api.imports.customers import JsonCustomers
from campaign_api.imports.ndjson_rows import unstorable_inside
from campaign_api.imports.records import BadRow, JsonRow
from campaign_api.imports.storing import Stored, store
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Id, RequestModel
from leopard.db.pool import Connection
from leopard.domain.imports import ImportMode

_EXAMPLE: Final = [
    {"phone": "+254700123456", "first_name": "Alice", "attributes": {"points": 120}},
    {"phone": "+254700123457"},
]
_IDS: Final = "SELECT phone, id FROM customers WHERE phone = ANY(%(phones)s)"


class CustomerBatch(RequestModel):
    """Customers to create or update."""

    customers: Annotated[list[Any], Field(min_length=1, max_length=BATCH_ROWS)] = Field(
        description="The customers, each as for `POST /customers`; null removes a value, and absent ones stay",
        examples=[_EXAMPLE],
    )


class BatchResult(BaseModel):
    """What became of one customer of the request."""

    index: int = Field(description="Its position in the request, from 0", examples=[0])
    result: str = Field(
        description="`created`, `updated`, `unchanged`, `duplicate` (a later one has its number) or `rejected`",
        examples=["created"],
    )
    id: Id | None = Field(
        description="Id of the customer; null if it was rejected, or would only be created", examples=[1]
    )
    field: str | None = Field(default=None, description="The field that is wrong, if it is one", examples=[None])
    reason: str | None = Field(default=None, description="Why it was rejected; null if it was not", examples=[None])


class BatchAnswer(BaseModel):
    """What became of the customers of a request."""

    results: list[BatchResult] = Field(description="One result for each customer, in the order of the request")


async def store_customers(
    connection: Connection, batch: CustomerBatch, mode: ImportMode, limits: AttributeLimits, *, dry_run: bool
) -> BatchAnswer:
    """Store the customers that can be stored, in the caller's transaction.

    Raises:
        ApiError: INVALID_REQUEST where there would be too many different attributes.
    """
    rows = [_row(index, values) for index, values in enumerate(batch.customers)]
    reader = JsonCustomers({}, None, limits)
    new = reader.new_types([row for row in rows if isinstance(row, JsonRow)])
    try:
        reader.types = await types_of_new(connection, new, most=limits.known, dry_run=dry_run)
    except FieldProblem as error:
        raise ApiError(ErrorCode.INVALID_REQUEST, f"customers: {error}") from None
    made = await asyncio.to_thread(Batches().batch, rows, reader)
    stored = await store(connection, made, mode, limits, dry_run=dry_run)
    cursor = await connection.execute(_IDS, {"phones": [customer.phone for customer in made.customers]})
    return BatchAnswer(results=_results(made, stored, dict(await cursor.fetchall())))


def _row(index: int, values: object) -> JsonRow | BadRow:
    if not isinstance(values, dict):
        return BadRow(index, "must be an object", "")
    reason = unstorable_inside(values)
    return JsonRow(index, values) if reason is None else BadRow(index, reason, "")


def _results(batch: Batch, stored: Stored, ids: dict[str, int]) -> list[BatchResult]:
    found = {
        reject.number: BatchResult(
            index=reject.number, result="rejected", id=None, field=reject.column, reason=reject.reason
        )
        for reject in batch.rejects
    }
    for customer in batch.customers:
        index, id_ = customer.number, ids.get(customer.phone)
        if index in stored.refused:
            found[index] = BatchResult(index=index, result="rejected", id=id_, reason=stored.refused[index])
        elif customer.phone in stored.created:
            found[index] = BatchResult(index=index, result="created", id=id_)
        else:
            result = "updated" if index in stored.updated else "unchanged"
            found[index] = BatchResult(index=index, result=result, id=id_)
    for index, later in batch.replaced.items():
        found[index] = BatchResult(index=index, result="duplicate", id=found[later].id)
    return [found[index] for index in sorted(found)]
