"""Admits long requests up to a number. Further ones are refused, because they would stand still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from campaign_api.web.errors import ApiError, ErrorCode


class Admission:
    """Admits requests of one kind."""

    def __init__(self, words: str, most: int) -> None:
        """Admit none yet.

        Args:
            words: What they are, in the plural: "imports".
            most: How many may run at once.
        """
        self._words = words
        self._most = most
        self._running = 0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Be one of the requests that run.

        Raises:
            ApiError: UNAVAILABLE where as many run as may.
        """
        if self._running >= self._most:
            message = f"{self._running} {self._words} are running already; try again later"
            raise ApiError(ErrorCode.UNAVAILABLE, message)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
