"""Records results so that one refused result does not block the others.

A result is never discarded, because the provider has answered. A batch that PostgreSQL refuses is split in halves until
the refused result is alone. All others are recorded.
"""

from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import errors

from leopard.db.pool import DATABASE_UNAVAILABLE, Pool
from leopard.telemetry.logs import get_logger
from sender_worker.metrics import REFUSED_RESULTS
from sender_worker.results import Result, record_results, without_texts

log = get_logger(__name__)

_NOT_THE_ROWS: Final = (*DATABASE_UNAVAILABLE, errors.ProgrammingError, errors.NotSupportedError)
"""Errors of the statement or of the server. A smaller batch would fail too."""


async def record_each(pool: Pool, results: Sequence[Result], shard: int) -> list[bool | None]:
    """Record results; for each: whether it counted, or None if PostgreSQL refused it and it must be retried.

    Raises:
        psycopg.Error: The database is unavailable, or the statement is invalid. The rest was not recorded.
    """
    try:
        return [*await _record(pool, results, shard)]
    except _NOT_THE_ROWS:
        raise
    except psycopg.Error as error:
        if len(results) > 1:
            half = len(results) // 2
            first = await record_each(pool, results[:half], shard)
            return [*first, *await record_each(pool, results[half:], shard)]
        return [await _record_refused(pool, results[0], shard, error)]


async def _record_refused(pool: Pool, result: Result, shard: int, refusal: psycopg.Error) -> bool | None:
    REFUSED_RESULTS.inc()
    ids = {"message_id": result.claim.message_id, "campaign_id": result.claim.campaign_id}
    log.error("result refused by the database", reason=refusal.sqlstate, **ids)
    try:
        return (await _record(pool, [without_texts(result)], shard))[0]
    except _NOT_THE_ROWS:
        raise
    except psycopg.Error:
        return None


async def _record(pool: Pool, results: Sequence[Result], shard: int) -> list[bool]:
    async with pool.connection() as connection:
        return await record_results(connection, results, shard)
