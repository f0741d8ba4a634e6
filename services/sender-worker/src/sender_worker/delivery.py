"""The way of one message through a worker: claimed, rendered, handed to the provider, recorded."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leopard.db.pool import Pool
from leopard.domain.statuses import MAX_ATTEMPTS
from leopard.domain.templates import parse_template
from leopard.logs import get_logger
from sender_worker.batching import Batcher
from sender_worker.claims import Claim, claim_messages
from sender_worker.metrics import (
    ATTEMPTS,
    FINISHED,
    IN_FLIGHT,
    LATE_RESULTS,
    NOT_CLAIMED,
    SEND_SECONDS,
    UNKNOWN_OUTCOMES,
)
from sender_worker.persistence import until_done
from sender_worker.providers.provider import Accepted, Answer, OutgoingMessage, Provider, Refused, Throttled, Unknown
from sender_worker.results import Result, RetryRules, given_up, handed_back, record_results, result_of

log = get_logger(__name__)

COUNT_SHARDS: Final = 8
"""Workers add to different rows of a campaign's counts, so that they do not queue for one."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How messages are claimed and tried again."""

    batch_size: int
    lease_seconds: float
    retry: RetryRules


class Delivery:
    """Delivers messages one by one; speaks to PostgreSQL for many at a time."""

    def __init__(self, pool: Pool, provider: Provider, rules: DeliveryRules) -> None:
        self._pool = pool
        self._provider = provider
        self._rules = rules
        self._shard = random.randrange(1, COUNT_SHARDS)  # noqa: S311 any will do; 0 belongs to those who add messages
        self._claims: Batcher[int, Claim | None] = Batcher(self._claim, size=rules.batch_size)
        self._results: Batcher[Result, bool] = Batcher(self._record, size=rules.batch_size)
        self._under_way: set[asyncio.Task[bool]] = set()
        self._draining = False

    def drain(self) -> None:
        """Take nothing new; what a provider has been asked is finished, the rest is handed back."""
        self._draining = True

    async def drained(self, seconds: float) -> None:
        """Wait until nothing is under way any more, or the time is up."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=seconds)
            for task in late:
                task.cancel()

    def begin(self, message_id: int) -> asyncio.Task[bool]:
        """Deliver one message in a task of its own, which outlives whoever waits for it."""
        task = asyncio.create_task(self.deliver(message_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def deliver(self, message_id: int) -> bool:
        """Deliver one message; whether its job is done with and may be acknowledged.

        Where nothing is to be sent, or not by this worker, the job is done with as well: what is due is found again
        in the tables.
        """
        if self._draining:
            return False
        asked = time.monotonic()
        claim = await self._claims.submit(message_id)
        if claim is None:
            NOT_CLAIMED.inc()
            return True
        if claim.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
            if not self._rules.retry.retry_unknown or claim.retry_count >= MAX_ATTEMPTS:
                await self._finish(given_up(claim))
                return True
        if self._draining:
            await self._finish(handed_back(claim))
            return False
        content = _render(claim)
        if time.monotonic() - asked >= self._rules.lease_seconds:
            # this process stood still for so long that the message may be somebody else's by now
            log.warning("claim ended before the message was sent", **_ids(claim))
            return True
        answer = await self._send(claim, content)
        await self._finish(result_of(claim, content, answer, self._rules.retry))
        return True

    async def _send(self, claim: Claim, content: str) -> Answer:
        message = OutgoingMessage(claim.message_id, claim.channel, claim.phone, content)
        started = time.perf_counter()
        with IN_FLIGHT.track_inprogress():
            try:
                answer = await self._provider.send(message)
            except Exception as error:
                log.exception("provider failed", **_ids(claim))
                answer = Unknown(type(error).__name__)
        SEND_SECONDS.labels(claim.channel).observe(time.perf_counter() - started)
        ATTEMPTS.labels(claim.channel, _outcome(answer)).inc()
        return answer

    async def _finish(self, result: Result) -> None:
        if result.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
        if not await self._results.submit(result):
            LATE_RESULTS.inc()
            log.warning("result came after the claim had ended", **_ids(result.claim))
        elif result.final:
            FINISHED.labels(result.claim.channel, result.status).inc()

    async def _claim(self, message_ids: Sequence[int]) -> Sequence[Claim | None]:
        lease_seconds = self._rules.lease_seconds
        return await until_done(
            self._pool, lambda connection: claim_messages(connection, message_ids, lease_seconds, self._shard)
        )

    async def _record(self, results: Sequence[Result]) -> Sequence[bool]:
        return await until_done(self._pool, lambda connection: record_results(connection, results, self._shard))


def _render(claim: Claim) -> str:
    return parse_template(claim.base_template).render(
        {
            "first_name": claim.first_name,
            "last_name": claim.last_name,
            "location": claim.location,
            "preferred_product": claim.preferred_product,
            "phone": claim.phone,
        }
    )


def _outcome(answer: Answer) -> str:
    match answer:
        case Accepted():
            return "success"
        case Refused(permanent=True):
            return "permanent"
        case Throttled():
            return "throttled"
        case Unknown():
            return "unknown"
        case _:
            return "retryable"


def _ids(claim: Claim) -> dict[str, int]:
    return {"campaign_id": claim.campaign_id, "message_id": claim.message_id}
