"""The way of one message through a worker: claimed, rendered, handed to the provider, recorded."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from leopard.db.pool import Pool
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
from sender_worker.providers.provider import Accepted, Answer, OutgoingMessage, Provider, Refused
from sender_worker.results import Result, record_results, result_of

log = get_logger(__name__)

COUNT_SHARDS = 8
"""Workers add to different rows of a campaign's counts, so that they do not queue for one."""


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How messages are claimed and tried again; times in seconds."""

    batch_size: int
    lease_seconds: float
    backoff_seconds: float
    backoff_max_seconds: float


class Delivery:
    """Delivers messages one by one; speaks to PostgreSQL for many at a time."""

    def __init__(self, pool: Pool, provider: Provider, rules: DeliveryRules) -> None:
        self._pool = pool
        self._provider = provider
        self._rules = rules
        self._shard = random.randrange(1, COUNT_SHARDS)  # noqa: S311 any will do; 0 belongs to those who add messages
        self._claims: Batcher[int, Claim | None] = Batcher(self._claim, size=rules.batch_size)
        self._results: Batcher[Result, bool] = Batcher(self._record, size=rules.batch_size)

    async def deliver(self, message_id: int) -> None:
        """Deliver one message; once this returns, its job may be acknowledged.

        Where nothing is to be sent, or not by this worker, nothing is done: what is due is found again in the tables.
        """
        asked = time.monotonic()
        claim = await self._claims.submit(message_id)
        if claim is None:
            NOT_CLAIMED.inc()
            return
        if claim.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
            log.warning("sent again, since its outcome is unknown", **_ids(claim))
        content = _render(claim)
        if time.monotonic() - asked > self._rules.lease_seconds:
            # this process stood still for so long that the message may be somebody else's by now
            log.warning("claim ended before the message was sent", **_ids(claim))
            return
        answer = await self._send(claim, content)
        result = result_of(
            claim,
            content,
            answer,
            backoff_base=self._rules.backoff_seconds,
            backoff_max=self._rules.backoff_max_seconds,
        )
        if not await self._results.submit(result):
            LATE_RESULTS.inc()
            log.warning("result came after the claim had ended", **_ids(claim))
        elif result.final:
            FINISHED.labels(claim.channel, result.status).inc()

    async def _send(self, claim: Claim, content: str) -> Answer:
        message = OutgoingMessage(claim.message_id, claim.channel, claim.phone, content)
        started = time.perf_counter()
        with IN_FLIGHT.track_inprogress():
            try:
                answer = await self._provider.send(message)
            except Exception as error:
                log.exception("provider failed", **_ids(claim))
                answer = Refused(f"provider failed: {type(error).__name__}", permanent=False)
        SEND_SECONDS.labels(claim.channel).observe(time.perf_counter() - started)
        ATTEMPTS.labels(claim.channel, _outcome(answer)).inc()
        return answer

    async def _claim(self, message_ids: Sequence[int]) -> Sequence[Claim | None]:
        return await until_done(
            self._pool, lambda connection: claim_messages(connection, message_ids, self._rules.lease_seconds)
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
    if isinstance(answer, Accepted):
        return "success"
    return "permanent" if answer.permanent else "retryable"


def _ids(claim: Claim) -> dict[str, int]:
    return {"campaign_id": claim.campaign_id, "message_id": claim.message_id}
