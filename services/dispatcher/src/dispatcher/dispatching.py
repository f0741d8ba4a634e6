"""Publishing what can be sent now: due retries first, then the chunk of the campaign served longest ago."""

from collections.abc import Sequence
from typing import Final

from dispatcher.chunks import claim_chunk, mark_published, pending_jobs, release_chunk
from dispatcher.fan_out import plan_next_chunk
from dispatcher.metrics import RELEASED
from dispatcher.publishing import BROKER_AWAY, JobPublisher
from dispatcher.retries import release_due
from dispatcher.settings import DispatcherSettings
from dispatcher.window import Window
from leopard.db.pool import Pool
from leopard.domain.statuses import Channel
from leopard.logs import get_logger

log = get_logger(__name__)

WINDOW_FULL_SECONDS: Final = 0.1


class Dispatching:
    """One step after the other fills the window of a lane."""

    def __init__(
        self,
        settings: DispatcherSettings,
        pool: Pool,
        publisher: JobPublisher,
        window: Window,
        channels: Sequence[Channel] = tuple(Channel),
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._window = window
        self._channels = channels

    async def step(self) -> float:
        """Publish the retries that are due and one chunk; the seconds to rest before the next step.

        Raises:
            UnconfirmedError, AMQPError, psycopg.Error: What was not done is found again by the next step.
        """
        room = await self._window.room()
        if room == 0:
            return WINDOW_FULL_SECONDS
        retried = await self._publish_due(room)
        published = await self._publish_chunk()
        return 0 if retried or published else self._settings.poll_seconds

    async def _publish_due(self, room: int) -> bool:
        async with self._pool.connection() as connection:
            jobs = await release_due(connection, min(room, self._settings.chunk_size), self._channels)
        await self._publisher.publish(jobs, None)
        RELEASED.inc(len(jobs))
        return bool(jobs)

    async def _publish_chunk(self) -> bool:
        lease_seconds = self._settings.lease_seconds
        async with self._pool.connection() as connection:
            await plan_next_chunk(connection, self._settings.chunk_size, self._channels)
            chunk = await claim_chunk(connection, lease_seconds, self._channels)
            if chunk is None:
                return False
            jobs = await pending_jobs(connection, chunk)
        try:
            await self._publisher.publish(jobs, chunk.traceparent)
        except BROKER_AWAY:
            async with self._pool.connection() as connection:
                await release_chunk(connection, chunk)
            raise
        async with self._pool.connection() as connection:
            await mark_published(connection, chunk, lease_seconds)
        log.debug("chunk published", campaign_id=chunk.campaign_id, jobs=len(jobs))
        return True
