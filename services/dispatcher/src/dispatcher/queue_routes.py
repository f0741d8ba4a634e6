"""Queue routes: a queue, and the channels and formats of the campaigns whose jobs go through it.

If no channel has a dedicated queue, all channels share `campaign_sends`. Personalized campaigns have a queue beside
each of these, which workers of the first version do not consume. Each route has a window and a publish loop, so a slow
provider delays only its channels.
"""

from collections.abc import Collection
from dataclasses import dataclass

from faststream.rabbit import RabbitQueue

from leopard.broker.queues import PERSONALIZED, SENDS, SENDS_OF
from leopard.domain.formats import PERSONALIZED_FORMATS, PLAIN_FORMATS, Formats
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class QueueRoute:
    """A queue for the jobs of some channels and formats."""

    queue: RabbitQueue
    channels: tuple[Channel, ...]
    formats: Formats


def routes_of(dedicated_queues: Collection[Channel]) -> list[QueueRoute]:
    """All routes: two for each channel with a dedicated queue, and two for the other channels."""
    others = tuple(channel for channel in Channel if channel not in dedicated_queues)
    queues = [(SENDS, others)] if others else []
    queues += [(SENDS_OF[channel], (channel,)) for channel in Channel if channel in dedicated_queues]
    return [
        route
        for queue, channels in queues
        for route in (
            QueueRoute(queue, channels, PLAIN_FORMATS),
            QueueRoute(PERSONALIZED[queue.name], channels, PERSONALIZED_FORMATS),
        )
    ]
