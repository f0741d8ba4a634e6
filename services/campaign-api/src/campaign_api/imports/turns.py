"""How many imports run at once in a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from campaign_api.web.errors import ApiError, ErrorCode


class ImportTurns:
    """Admits imports up to a number; further ones are refused, because their uploads would stand still."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Be one of the imports that run.

        Raises:
            ApiError: UNAVAILABLE where as many run as may.
        """
        if self._running >= self._most:
            raise ApiError(ErrorCode.UNAVAILABLE, f"{self._running} imports are running already; try again later")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
