"""Jobs from the broker, each acknowledged once its message is recorded."""

import asyncio
from contextlib import suppress

import structlog
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage
from pydantic import ValidationError

from leopard.jobs import MessageJob
from leopard.logs import get_logger
from leopard.messaging import DEAD_LETTERS, REASON_HEADER, SENDS
from leopard.tracing import TRACEPARENT, trace_id_of
from sender_worker.delivery import Delivery
from sender_worker.metrics import DEAD_LETTERED

log = get_logger(__name__)


def subscribe(broker: RabbitBroker, delivery: Delivery, *, prefetch: int) -> None:
    """Consume `campaign_sends`, holding up to `prefetch` jobs at a time."""

    @broker.subscriber(SENDS, channel=Channel(prefetch_count=prefetch), ack_policy=AckPolicy.MANUAL, no_reply=True)
    async def on_job(message: RabbitMessage) -> None:
        try:
            job = MessageJob.model_validate_json(message.body)
        except ValidationError as error:
            await _bury(broker, message, error)
            return
        structlog.contextvars.bind_contextvars(trace_id=trace_id_of(message.headers.get(TRACEPARENT)))
        # The client cancels what runs for a connection that is lost. A message in flight is finished all the same: its
        # job comes again, and there is nothing left to send.
        with suppress(asyncio.CancelledError):
            if await asyncio.shield(delivery.begin(job.message_id)):
                await _acknowledge(message)


async def _acknowledge(message: RabbitMessage) -> None:
    # a connection that is gone takes the job back
    with suppress(AMQPError, ConnectionError, ChannelInvalidStateError):
        await message.ack()


async def _bury(broker: RabbitBroker, message: RabbitMessage, error: ValidationError) -> None:
    problem = error.errors(include_url=False, include_input=False)[0]
    reason = ": ".join(part for part in (".".join(str(part) for part in problem["loc"]), problem["msg"]) if part)
    await broker.publish(
        message.body,
        DEAD_LETTERS.name,
        headers={**message.headers, REASON_HEADER: f"does not parse: {reason}"},
        content_type=message.content_type,
        persist=True,
    )
    await _acknowledge(message)
    DEAD_LETTERED.inc()
    log.error("job does not parse and is dead-lettered", reason=reason)
