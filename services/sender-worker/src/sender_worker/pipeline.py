"""The pipeline of a worker: claims messages in batches, sends each in a task, and records results in batches.

The steps run concurrently. Each step keeps its work until it is done, so an error costs a retry and never a message. A
job is acknowledged once its message is recorded, or if there is nothing to send. The sweep finds lost jobs again.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leopard.db.counts import WORKER_SHARDS
from leopard.db.pool import Pool
from leopard.db.queue_progress import report_held
from leopard.domain.statuses import MAX_ATTEMPTS, Channel
from leopard.runtime.supervision import Supervisor
from leopard.telemetry.logs import get_logger
from sender_worker.acks import Acks, HeldJob
from sender_worker.batcher import Batcher
from sender_worker.campaign_texts import CampaignTexts
from sender_worker.claims import Claim, claim_messages
from sender_worker.in_flight import Finished, InFlight, ids_of
from sender_worker.metrics import FINISHED, LATE_RESULTS, NOT_CLAIMED, PARKED, UNKNOWN_OUTCOMES
from sender_worker.parking import park_messages
from sender_worker.recording import record_each
from sender_worker.results import outcome_unknown_result, release_result
from sender_worker.sending import Carrier

log = get_logger(__name__)

IDLE_SECONDS: Final = 1.0
"""How long a step waits for work before it is repeated."""

PARK_ABOVE_SECONDS: Final = 2.0
"""If a hold lasts longer, waiting messages are parked in PostgreSQL."""


@dataclass(frozen=True, slots=True)
class PipelineRules:
    """How messages are claimed."""

    batch_size: int
    lease_seconds: float
    channels: tuple[Channel, ...] = tuple(Channel)
    """The channels of the provider. Messages of other channels are left to other workers."""


class Pipeline:
    """Claims, sends and records messages concurrently."""

    def __init__(self, pool: Pool, carrier: Carrier, rules: PipelineRules, acks: Acks) -> None:
        self._pool = pool
        self._carrier = carrier
        self._rules = rules
        self._acks = acks
        self._texts = CampaignTexts()
        self._shard = random.choice(WORKER_SHARDS)  # noqa: S311 any will do
        self._arrived: Batcher[HeldJob] = Batcher(size=rules.batch_size)
        self._finished: Batcher[Finished] = Batcher(size=rules.batch_size)
        self._to_claim: list[HeldJob] = []
        self._to_record: list[Finished] = []
        self._to_acknowledge: list[HeldJob] = []
        self._in_flight = InFlight(carrier, self._finished, lease_seconds=rules.lease_seconds)
        self._claims_under_way = 0
        self._draining = False

    def supervise(self, supervisor: Supervisor) -> None:
        """Register the steps of the pipeline with the supervisor."""
        supervisor.repeat("claim messages", self.claim_step)
        supervisor.repeat("record results", self.record_step)
        supervisor.repeat("report held jobs", self.report_step)

    def take(self, job: HeldJob) -> None:
        """Accept one more job. While draining, the job stays with RabbitMQ."""
        if not self._draining:
            self._arrived.add(job)

    async def drain(self, seconds: float) -> None:
        """Accept no new jobs, and wait at most `seconds` until all started messages are recorded and acknowledged."""
        self._draining = True
        self._arrived.clear()
        self._to_claim.clear()
        self._arrived.wake()
        self._in_flight.wake()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._busy:
                    self._finished.wake()
                    await asyncio.sleep(0.02)
                await self._acks.flush()

    @property
    def _busy(self) -> bool:
        return bool(
            self._claims_under_way or self._in_flight or len(self._finished) or self._to_record or self._to_acknowledge
        )

    async def claim_step(self) -> float:
        """Claim as many messages of the waiting jobs as the provider takes now, and start to send them.

        Raises:
            psycopg.Error: The database is unavailable; the jobs are kept for the next step.
        """
        if not self._to_claim:
            self._to_claim = await self._arrived.next_batch(seconds=IDLE_SECONDS)
        if self._draining:
            self._to_claim.clear()
            return 0.1
        if not self._to_claim:
            return 0
        gate = self._carrier.gate
        hold_seconds = gate.hold_seconds
        if hold_seconds is not None and hold_seconds > PARK_ABOVE_SECONDS:
            await self._park(hold_seconds)
            return 0
        room = gate.room(len(self._in_flight))
        # claim late: a claimed message that waits for the provider uses up its lease, a job does not
        if room < min(len(self._to_claim), max((room + len(self._in_flight)) // 4, 1)):
            await self._in_flight.wait_for_room(IDLE_SECONDS)
            return 0
        admitted = await gate.admit(min(room, len(self._to_claim), self._rules.batch_size))
        if admitted <= 0:
            # the provider was just held, or the jobs must wait for the rate
            return 0.05
        await self._claim(admitted)
        return 0

    async def _park(self, hold_seconds: float) -> None:
        jobs = self._to_claim
        async with self._pool.connection() as connection:
            await park_messages(connection, [job.message_id for job in jobs], hold_seconds)
        PARKED.inc(len(jobs))
        self._to_claim = []
        for job in jobs:
            self._finished.add(Finished(job, None))

    async def _claim(self, admitted: int) -> None:
        jobs = self._to_claim[:admitted]
        rules = self._rules
        claim_requested_at = time.monotonic()
        self._claims_under_way += 1
        try:
            async with self._pool.connection() as connection:
                ids = [job.message_id for job in jobs]
                claims = await claim_messages(
                    connection, ids, rules.lease_seconds, self._shard, rules.channels, self._texts
                )
        finally:
            self._claims_under_way -= 1
        # no await from here on, so that every claimed message is started before anything else can fail
        del self._to_claim[:admitted]
        begun = 0
        for job, claim in zip(jobs, claims, strict=True):
            if claim is None:
                NOT_CLAIMED.inc()
                self._finished.add(Finished(job, None))
            else:
                begun += self._begin(job, claim, claim_requested_at)
        if not begun:
            self._carrier.gate.unused()

    def _begin(self, job: HeldJob, claim: Claim, claim_requested_at: float) -> bool:
        if claim.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
            if not self._carrier.rules.retry_unknown or claim.retry_count >= MAX_ATTEMPTS:
                self._finished.add(Finished(job, outcome_unknown_result(claim)))
                return False
        if self._draining:
            self._finished.add(Finished(job, release_result(claim)))
            return False
        self._in_flight.begin(job, claim, claim_requested_at)
        return True

    async def record_step(self) -> float:
        """Record one batch of results and acknowledge their jobs.

        Raises:
            psycopg.Error: The database is unavailable; the results are kept for the next step.
        """
        if not self._to_record and not self._to_acknowledge:
            self._to_record = await self._finished.next_batch(seconds=IDLE_SECONDS)
        refused: list[Finished] = []
        if self._to_record:
            refused = await self._record(self._to_record)
            self._to_acknowledge = [
                one.job
                for one in self._to_record
                # the job of a released message stays unacknowledged, so RabbitMQ delivers it to another worker
                if one not in refused and not (one.result is not None and one.result.released)
            ]
            self._to_record = []
        if self._to_acknowledge:
            await self._acks.done(self._to_acknowledge)
            self._to_acknowledge = []
        for one in refused:
            self._finished.add(one)
        return 1 if refused else 0

    async def _record(self, finished: Sequence[Finished]) -> list[Finished]:
        with_result = [(one, one.result) for one in finished if one.result is not None]
        if not with_result:
            return []
        recorded = await record_each(self._pool, [result for _, result in with_result], self._shard)
        for (one, result), counted in zip(with_result, recorded, strict=True):
            if counted is False:
                LATE_RESULTS.inc()
                log.warning("result came after the claim had ended", **ids_of(one.job, result.claim))
            elif counted and result.final:
                FINISHED[result.claim.channel, result.status].inc()
        return [one for (one, _), counted in zip(with_result, recorded, strict=True) if counted is None]

    async def report_step(self) -> float:
        """Report jobs that have waited here for a long time, so that they do not count as lost."""
        seconds = self._rules.lease_seconds / 3
        before = time.monotonic() - seconds
        waiting = [*self._to_claim, *self._arrived.waiting]
        jobs = [(job.campaign_id, job.customer_id) for job in waiting if job.since < before and job.campaign_id]
        if jobs:
            async with self._pool.connection() as connection:
                await report_held(connection, jobs, self._rules.lease_seconds)
        return seconds
