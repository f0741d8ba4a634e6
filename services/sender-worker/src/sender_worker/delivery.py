"""The way of messages through a worker: claimed many at a time, sent each by itself, recorded many at a time."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leopard.db.pool import Pool
from leopard.domain.statuses import MAX_ATTEMPTS, Channel
from leopard.domain.templates import parse_template
from leopard.logs import get_logger
from leopard.tracing import trace_id_of
from sender_worker.acks import Acks, HeldJob
from sender_worker.batching import Gathering
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
    channels: tuple[Channel, ...] = tuple(Channel)
    """What the provider can carry; a message of another channel that strays here is left to others."""


@dataclass(frozen=True, slots=True)
class _Finished:
    """A job whose message has a result that is to be recorded."""

    job: HeldJob
    result: Result


class Delivery:
    """Three steps that work side by side: claiming, sending, recording.

    A job is acknowledged when its message is recorded, or when there is nothing to send, or not by this worker: what
    is due is found again in the tables.
    """

    def __init__(self, pool: Pool, provider: Provider, rules: DeliveryRules, acks: Acks) -> None:
        self._pool = pool
        self._provider = provider
        self._rules = rules
        self._acks = acks
        self._shard = random.randrange(1, COUNT_SHARDS)  # noqa: S311 any will do; 0 belongs to those who add messages
        self._arrived: Gathering[HeldJob] = Gathering(size=rules.batch_size)
        self._finished: Gathering[_Finished] = Gathering(size=rules.batch_size)
        self._sending: set[asyncio.Task[None]] = set()
        self._sent_one = asyncio.Event()
        self._draining = False
        IN_FLIGHT.set_function(lambda: len(self._sending))

    def take(self, job: HeldJob) -> None:
        """Deliver the message of one more job; while draining the job stays with the broker."""
        if not self._draining:
            self._arrived.add(job)

    def drain(self) -> None:
        """Take nothing new; what a provider has been asked is finished, the rest is handed back."""
        self._draining = True
        self._arrived.clear()
        self._arrived.close()
        self._sent_one.set()

    async def run(self) -> None:
        """Deliver until drained: returns once all that was begun is recorded."""
        recording = asyncio.create_task(self._record_all())
        try:
            async for jobs in self._arrived:
                await self._claim_what_can_be_sent(jobs)
            while self._sending:
                await asyncio.wait(self._sending)
            self._finished.close()
            await recording
        finally:
            for task in (recording, *self._sending):
                task.cancel()

    async def _claim_what_can_be_sent(self, jobs: list[HeldJob]) -> None:
        # a claimed message that had to wait for the provider would use up its lease; a job may wait for ever
        capacity = self._provider.capacity
        while jobs and not self._draining:
            room = capacity - len(self._sending)
            if room >= min(len(jobs), max(capacity // 4, 1)):
                await self._claim(jobs[:room])
                jobs = jobs[room:]
            else:
                self._sent_one.clear()
                await self._sent_one.wait()

    async def _claim(self, jobs: Sequence[HeldJob]) -> None:
        asked = time.monotonic()
        rules = self._rules
        ids = [job.message_id for job in jobs]
        try:
            claims = await until_done(
                self._pool,
                lambda connection: claim_messages(connection, ids, rules.lease_seconds, self._shard, rules.channels),
            )
        except Exception:
            log.exception("messages could not be claimed", messages=len(jobs))
            await self._acks.given_back(jobs)
            return
        for job, claim in zip(jobs, claims, strict=True):
            if claim is not None:
                self._begin(job, claim, asked)
        if nothing_to_send := [job for job, claim in zip(jobs, claims, strict=True) if claim is None]:
            NOT_CLAIMED.inc(len(nothing_to_send))
            await self._acks.done(nothing_to_send)

    def _begin(self, job: HeldJob, claim: Claim, asked: float) -> None:
        if claim.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
            if not self._rules.retry.retry_unknown or claim.retry_count >= MAX_ATTEMPTS:
                self._finished.add(_Finished(job, given_up(claim)))
                return
        if self._draining:
            self._finished.add(_Finished(job, handed_back(claim)))
            return
        task = asyncio.create_task(self._send(job, claim, asked))
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._sent_one.set()

    async def _send(self, job: HeldJob, claim: Claim, asked: float) -> None:
        content = _render(claim)
        started = time.monotonic()
        if started - asked >= self._rules.lease_seconds:
            # this process stood still for so long that the message may be somebody else's by now
            log.warning("claim ended before the message was sent", **_ids(job, claim))
            await self._acks.done([job])
            return
        try:
            answer = await self._provider.send(OutgoingMessage(claim.message_id, claim.channel, claim.phone, content))
        except Exception as error:
            log.exception("provider failed", **_ids(job, claim))
            answer = Unknown(type(error).__name__)
        SEND_SECONDS[claim.channel].observe(time.monotonic() - started)
        ATTEMPTS[claim.channel, _outcome(answer)].inc()
        result = result_of(claim, content, answer, self._rules.retry)
        if result.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
        self._finished.add(_Finished(job, result))

    async def _record_all(self) -> None:
        async for finished in self._finished:
            try:
                await self._record(finished)
            except Exception:
                log.exception("results could not be recorded", messages=len(finished))
                await self._acks.given_back([one.job for one in finished])

    async def _record(self, finished: Sequence[_Finished]) -> None:
        results = [one.result for one in finished]
        recorded = await until_done(self._pool, lambda connection: record_results(connection, results, self._shard))
        # what is handed back stays with the broker, which gives it to another worker once this one is gone
        await self._acks.done([one.job for one in finished if not one.result.handed_back])
        for one, in_time in zip(finished, recorded, strict=True):
            if not in_time:
                LATE_RESULTS.inc()
                log.warning("result came after the claim had ended", **_ids(one.job, one.result.claim))
            elif one.result.final:
                FINISHED[one.result.claim.channel, one.result.status].inc()


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


def _ids(job: HeldJob, claim: Claim) -> dict[str, object]:
    return {
        "campaign_id": claim.campaign_id,
        "message_id": claim.message_id,
        "trace_id": trace_id_of(job.traceparent),
    }
