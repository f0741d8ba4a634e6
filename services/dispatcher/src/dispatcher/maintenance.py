"""Campaign maintenance: a list of independent background jobs. An error in one delays no other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aio_pika.exceptions import ChannelNotFoundEntity

from dispatcher.cancellation import cancel_chunk, cancel_unplanned
from dispatcher.completion import FINISH, FINISHED_AT_A_TIME, finish_campaigns
from dispatcher.dry_runs import end_lost_dry_runs, forget_dry_runs
from dispatcher.imports import end_lost_imports, forget_rejects
from dispatcher.metrics import CAMPAIGNS_FINISHED, LOST_FOUND
from dispatcher.postponed_recipients import PLAN_POSTPONED, plan_postponed
from dispatcher.pruning import add_up_field_counts, forget_idempotency_keys, forget_providers
from dispatcher.queue_routes import QueueRoute
from dispatcher.schedules import START, start_due_campaign
from dispatcher.settings import DispatcherSettings
from dispatcher.sweep import sweep_chunks
from dispatcher.troubles import CampaignTroubles
from dispatcher.window import Window
from leopard.broker.connection import BrokerBlockedError
from leopard.db.pool import Connection, Pool
from leopard.db.queue_progress import report_emptied
from leopard.domain.formats import PERSONALIZED_FORMATS, PLAIN_FORMATS, Formats
from leopard.domain.statuses import Channel
from leopard.runtime.supervision import Supervisor
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

AT_A_TIME: Final = 50
"""The number of campaigns or chunks that a job handles before it rests."""

PRUNE_SECONDS: Final = 60.0
IMPORT_SECONDS: Final = 15.0
DRY_RUN_SECONDS: Final = 15.0

Work = Callable[[Connection], Awaitable[float]]
"""One round of a job on a connection; returns the seconds to rest."""


class Maintenance:
    """The periodic jobs that keep campaigns running."""

    def __init__(self, settings: DispatcherSettings, pool: Pool, routes: Sequence[tuple[QueueRoute, Window]]) -> None:
        self._settings = settings
        self._pool = pool
        self._routes = routes
        self._starting, self._postponed, self._finishing = CampaignTroubles(), CampaignTroubles(), CampaignTroubles()

    def supervise(self, supervisor: Supervisor) -> None:
        """Register every job with the supervisor."""
        jobs: dict[str, Work] = {
            START: self.start_scheduled,
            "find lost jobs": self.sweep,
            PLAN_POSTPONED: self.plan_postponed,
            FINISH: self.finish,
            "cancel campaigns": self.cancel,
            "end lost imports": self.end_imports,
            "end lost dry runs": self.end_dry_runs,
            "prune": self.prune,
        }
        for name, work in jobs.items():
            supervisor.repeat(name, self._step(work))

    def _step(self, work: Work) -> Callable[[], Awaitable[float]]:
        async def step() -> float:
            async with self._pool.connection() as connection:
                return await work(connection)

        return step

    async def start_scheduled(self, connection: Connection) -> float:
        """Start scheduled campaigns that are due."""
        for _ in range(AT_A_TIME):
            if await start_due_campaign(connection, self._settings.chunk_size, self._starting) is None:
                return self._settings.poll_seconds
        return 0

    async def sweep(self, connection: Connection) -> float:
        """Find messages whose jobs were lost, and mark their chunks to be published again."""
        for route, window in self._routes:
            if await _is_empty(window):
                await report_emptied(connection, route.queue.name)
        lost = await sweep_chunks(
            connection,
            again_seconds=self._settings.sweep_seconds,
            lease_seconds=self._settings.lease_seconds,
            queues=self._queues(PLAIN_FORMATS),
            personalized_queues=self._queues(PERSONALIZED_FORMATS),
        )
        if lost:
            LOST_FOUND.inc(lost)
            log.warning("republishing messages whose jobs were lost", messages=lost)
        return self._settings.poll_seconds

    def _queues(self, formats: Formats) -> dict[Channel, str]:
        """The queue of each channel, for campaigns of these formats."""
        return {
            channel: route.queue.name
            for route, _ in self._routes
            if route.formats == formats
            for channel in route.channels
        }

    async def plan_postponed(self, connection: Connection) -> float:
        """Write message rows for recipients whose customers were locked before."""
        await plan_postponed(connection, self._settings.chunk_size, self._postponed)
        return self._settings.poll_seconds

    async def finish(self, connection: Connection) -> float:
        """Finish campaigns whose messages are all finished."""
        finished = await finish_campaigns(connection, self._finishing)
        for campaign_id in finished:
            CAMPAIGNS_FINISHED.inc()
            log.info("campaign finished", campaign_id=campaign_id)
        return 0 if len(finished) == FINISHED_AT_A_TIME else self._settings.poll_seconds

    async def cancel(self, connection: Connection) -> float:
        """Cancel the unsent messages of cancelled campaigns."""
        for _ in range(AT_A_TIME):
            marked = await cancel_unplanned(connection), await cancel_chunk(connection)
            if not any(marked):
                return self._settings.poll_seconds
        return 0

    async def end_imports(self, connection: Connection) -> float:
        """End imports whose processes have ended."""
        for import_id in await end_lost_imports(connection):
            log.warning("import interrupted, its process has ended", import_id=import_id)
        return IMPORT_SECONDS

    async def end_dry_runs(self, connection: Connection) -> float:
        """End dry runs whose processes have ended."""
        for dry_run_id in await end_lost_dry_runs(connection):
            log.warning("dry run interrupted, its process has ended", dry_run_id=dry_run_id)
        return DRY_RUN_SECONDS

    async def prune(self, connection: Connection) -> float:
        """Delete rows that are no longer needed, and add up counts."""
        await forget_idempotency_keys(connection)
        await forget_providers(connection)
        await forget_rejects(connection, days=self._settings.import_reject_days)
        await forget_dry_runs(connection, days=self._settings.dry_run_days)
        await add_up_field_counts(connection)
        return PRUNE_SECONDS


async def _is_empty(window: Window) -> bool:
    try:
        return await window.depth() == 0
    except ChannelNotFoundEntity:
        return True
    except BrokerBlockedError:
        # the depth of the queue is unknown now
        return False
