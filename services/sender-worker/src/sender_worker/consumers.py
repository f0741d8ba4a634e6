"""Jobs from the broker, each acknowledged once its message is recorded."""

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue
from pydantic import ValidationError

from leopard.jobs import MessageJob
from leopard.logs import get_logger
from leopard.messaging import DEAD_LETTERS, ORIGIN_HEADER, REASON_HEADER
from leopard.tracing import TRACEPARENT
from sender_worker.acks import Acks, HeldJob
from sender_worker.delivery import Delivery
from sender_worker.metrics import DEAD_LETTERED

log = get_logger(__name__)


def subscribe(broker: RabbitBroker, delivery: Delivery, acks: Acks, *, queue: RabbitQueue, prefetch: int) -> None:
    """Consume a queue, holding up to `prefetch` jobs at a time."""

    @broker.subscriber(queue, channel=Channel(prefetch_count=prefetch), ack_policy=AckPolicy.MANUAL, no_reply=True)
    async def on_job(message: RabbitMessage) -> None:
        raw = message.raw_message
        assert raw.delivery_tag is not None  # noqa: S101 every delivery has one
        try:
            message_id = MessageJob.model_validate_json(message.body).message_id
        except ValidationError as error:
            await _bury(broker, message, error)
            await acks.done([HeldJob(0, raw.channel, raw.delivery_tag)])
            return
        delivery.take(HeldJob(message_id, raw.channel, raw.delivery_tag, message.headers.get(TRACEPARENT)))


async def _bury(broker: RabbitBroker, message: RabbitMessage, error: ValidationError) -> None:
    problem = error.errors(include_url=False, include_input=False)[0]
    reason = ": ".join(part for part in (".".join(str(part) for part in problem["loc"]), problem["msg"]) if part)
    await broker.publish(
        message.body,
        DEAD_LETTERS.name,
        headers={
            **message.headers,
            REASON_HEADER: f"does not parse: {reason}",
            ORIGIN_HEADER: message.raw_message.routing_key or "",
        },
        content_type=message.content_type,
        persist=True,
    )
    DEAD_LETTERED.inc()
    log.error("job does not parse and is dead-lettered", reason=reason)
