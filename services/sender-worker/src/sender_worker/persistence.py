"""A batch's call to PostgreSQL, made again for as long as PostgreSQL is away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from leopard.db.pool import DATABASE_AWAY, Connection, Pool
from leopard.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")

MAX_BACKOFF_SECONDS: Final = 5


async def until_done(pool: Pool, statement: Callable[[Connection], Awaitable[T]]) -> T:
    """Run a statement that may be run twice, on a connection of the pool, until it went through."""
    failures = 0
    while True:
        try:
            async with pool.connection() as connection:
                result = await statement(connection)
        except DATABASE_AWAY as error:
            failures += 1
            if failures == 1:
                log.warning("PostgreSQL is away", error=type(error).__name__)
            await asyncio.sleep(random.uniform(0.1, min(2**failures, MAX_BACKOFF_SECONDS)))  # noqa: S311 jitter
        else:
            if failures:
                log.info("PostgreSQL is back", failed_attempts=failures)
            return result
