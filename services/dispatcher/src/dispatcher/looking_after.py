"""Looking after campaigns: started when their time has come, searched for lost messages, finished or cancelled."""

from dispatcher.cancelling import cancel_chunk, cancel_unplanned
from dispatcher.chunks import sweep_chunks
from dispatcher.completion import finish_campaigns
from dispatcher.housekeeping import forget_idempotency_keys
from dispatcher.metrics import CAMPAIGNS_FINISHED, LAST_SUCCESS, LOST_FOUND
from dispatcher.schedules import start_due_campaign
from dispatcher.settings import DispatcherSettings
from leopard.db.pool import Pool
from leopard.logs import get_logger

log = get_logger(__name__)


class LookingAfter:
    """What is done once every poll interval; needs the database alone."""

    def __init__(self, settings: DispatcherSettings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool

    async def step(self) -> float:
        """Do all of it once; the seconds to rest before the next step."""
        async with self._pool.connection() as connection:
            while (started := await start_due_campaign(connection)) is not None:
                log.info("scheduled campaign started", campaign_id=started)
            lost = await sweep_chunks(connection, again_seconds=self._settings.sweep_seconds)
            finished = await finish_campaigns(connection)
            await cancel_unplanned(connection)
            while await cancel_chunk(connection):
                pass
            await forget_idempotency_keys(connection)
        if lost:
            LOST_FOUND.inc(lost)
            log.warning("messages without jobs are published again", messages=lost)
        for campaign_id in finished:
            CAMPAIGNS_FINISHED.inc()
            log.info("campaign finished", campaign_id=campaign_id)
        LAST_SUCCESS.set_to_current_time()
        return self._settings.poll_seconds
