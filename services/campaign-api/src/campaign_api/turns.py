"""Requests that change the same thing take turns, before they take a connection.

What another transaction has locked then keeps one connection waiting, not the whole pool, and not for long.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from psycopg import errors

from campaign_api.web.errors import ApiError, ErrorCode
from leopard.db.pool import Connection, Pool

WAIT_SECONDS: Final = 2.5
"""About how long a request waits for its turn and its locks together."""

LOCK_SECONDS: Final = 2.0
"""How long one statement waits for a lock."""

_LEAST_LOCK_SECONDS: Final = 0.3

# until the end of the transaction, because a pooler may then give the connection to another client
_LOCK_TIMEOUT: Final = "SELECT set_config('lock_timeout', %(milliseconds)s, true)"

_RELATION: Final = re.compile(r'"(\w+)"')


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request changes."""

    words: str
    """Its name in answers: "Campaign 1"."""
    key: str = ""
    """Identifies it, if the name does not."""
    at_once: int = 1
    """How many requests may change it at the same time in this process."""

    def locked(self, error: errors.LockNotAvailable | None = None) -> ApiError:
        """The answer where another transaction has it locked, or what `error` says was locked in its place."""
        relation = _RELATION.search((error.diag.context if error else None) or "")
        table = relation[1] if relation else ""
        words = self.words
        if table.startswith("customers") and not words.startswith("Customer"):
            words = "A customer of this request"
        elif table.startswith("idempotency_keys"):
            words = "This Idempotency-Key"
        return ApiError(ErrorCode.UNAVAILABLE, f"{words} is locked by another transaction; try again later")


_ALL_CHANGES: Final = "all changes"


class Turns:
    """Gives connections of a pool to requests that change something, in turn."""

    def __init__(self, pool: Pool, size: int) -> None:
        self._pool = pool
        self._taken: dict[str, tuple[asyncio.Semaphore, int]] = {}
        # reads continue while all changes wait for a lock
        self._changes = max(1, size - max(1, size // 4))

    @asynccontextmanager
    async def changing(self, *subjects: Subject) -> AsyncIterator[Connection]:
        """A connection with a transaction that changes `subjects`, once it is this request's turn.

        Raises:
            ApiError: UNAVAILABLE where one of them is locked by another transaction for longer than a few seconds.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        async with AsyncExitStack() as stack:
            for subject in subjects:
                if not await stack.enter_async_context(
                    self._turn(subject.words + subject.key, subject.at_once, deadline)
                ):
                    raise subject.locked()
            if not await stack.enter_async_context(self._turn(_ALL_CHANGES, self._changes, deadline)):
                raise ApiError(
                    ErrorCode.UNAVAILABLE, "Too many requests wait for what other transactions locked; try again later"
                )
            connection = await stack.enter_async_context(self._pool.connection())
            lock_seconds = min(LOCK_SECONDS, max(_LEAST_LOCK_SECONDS, deadline - time.monotonic()))
            try:
                async with connection.transaction():
                    await connection.execute(_LOCK_TIMEOUT, {"milliseconds": f"{lock_seconds * 1000:.0f}"})
                    yield connection
            except errors.LockNotAvailable as error:
                raise subjects[-1].locked(error) from None

    @asynccontextmanager
    async def _turn(self, key: str, at_once: int, deadline: float) -> AsyncIterator[bool]:
        turns, users = self._taken.get(key, (asyncio.Semaphore(at_once), 0))
        self._taken[key] = (turns, users + 1)
        granted = False
        try:
            try:
                async with asyncio.timeout(max(0, deadline - time.monotonic())):
                    granted = await turns.acquire()
            except TimeoutError:
                pass
            yield granted
        finally:
            if granted:
                turns.release()
            _, users = self._taken[key]
            if users == 1:
                del self._taken[key]
            else:
                self._taken[key] = (turns, users - 1)
