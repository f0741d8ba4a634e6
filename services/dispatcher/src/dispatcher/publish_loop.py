"""The publish loop: publishes due retries, then one chunk, as the queue's window allows. Contains no SQL."""

from collections.abc import Sequence
from typing import Final

from dispatcher.chunk_jobs import pending_jobs
from dispatcher.metrics import RELEASED
from dispatcher.planning import plan_next_chunk
from dispatcher.publisher import PUBLISHING_UNAVAILABLE, JobPublisher
from dispatcher.retries import release_due
from dispatcher.settings import DispatcherSettings
from dispatcher.troubles import CampaignTroubles
from dispatcher.window import Window
from leopard.db.chunks import claim_chunk, mark_published, release_chunk
from leopard.db.pool import Pool
from leopard.db.provider_holds import channel_holds
from leopard.domain.formats import KNOWN_FORMATS, Formats
from leopard.domain.statuses import Channel
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

WINDOW_FULL_SECONDS: Final = 0.1
PROBE_JOBS: Final = 10
"""Jobs for a channel whose provider is being probed. One is sent, and the others wait for its outcome."""


class PublishLoop:
    """Fills the window of one queue, step by step."""

    def __init__(
        self,
        settings: DispatcherSettings,
        pool: Pool,
        publisher: JobPublisher,
        window: Window,
        channels: Sequence[Channel] = tuple(Channel),
        formats: Formats = KNOWN_FORMATS,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._window = window
        self._channels = channels
        self._formats = formats
        self._troubles = CampaignTroubles()

    async def step(self) -> float:
        """Publish due retries and one chunk; returns the seconds to rest before the next step.

        Raises:
            UnconfirmedError, BrokerBlockedError, AMQPError: RabbitMQ accepts no jobs. The next step finds them again.
            psycopg.Error: The database is unavailable. The next step finds the jobs again.
        """
        room = await self._window.room()
        if room == 0:
            return WINDOW_FULL_SECONDS
        async with self._pool.connection() as connection:
            holds = await channel_holds(connection)
        open_channels = [channel for channel in self._channels if channel not in holds]
        probed = [channel for channel in self._channels if holds.get(channel) is False]
        if probed:
            await self._publish_due(min(room, PROBE_JOBS), probed)
        if not open_channels:
            if probed:
                await self._publish_chunk(probed, chunk_size=PROBE_JOBS)
            return self._settings.poll_seconds
        retried = await self._publish_due(room, open_channels)
        published = await self._publish_chunk(open_channels, chunk_size=self._settings.chunk_size)
        return 0 if retried or published else self._settings.poll_seconds

    async def _publish_due(self, room: int, channels: Sequence[Channel]) -> bool:
        async with self._pool.connection() as connection:
            jobs = await release_due(connection, min(room, self._settings.chunk_size), channels, self._formats)
        await self._publisher.publish(jobs, None)
        RELEASED.inc(len(jobs))
        return bool(jobs)

    async def _publish_chunk(self, channels: Sequence[Channel], *, chunk_size: int) -> bool:
        lease_seconds = self._settings.lease_seconds
        async with self._pool.connection() as connection:
            await plan_next_chunk(connection, chunk_size, channels, self._troubles, self._formats)
            chunk = await claim_chunk(connection, lease_seconds, channels, self._formats)
            if chunk is None:
                return False
            jobs = await pending_jobs(connection, chunk)
        try:
            await self._publisher.publish(jobs, chunk.traceparent, chunk.claimed_at)
        except PUBLISHING_UNAVAILABLE:
            async with self._pool.connection() as connection:
                await release_chunk(connection, chunk)
            raise
        async with self._pool.connection() as connection:
            await mark_published(connection, chunk, lease_seconds)
        log.debug("chunk published", campaign_id=chunk.campaign_id, jobs=len(jobs))
        return True
