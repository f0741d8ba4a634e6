"""Queue routes: a queue, and the channels whose jobs go through it.

If no channel has a dedicated queue, the only route is `campaign_sends`. Each route has a window and a publish loop, so
a slow provider delays only its channels.
"""

from collections.abc import Collection
from dataclasses import dataclass

from faststream.rabbit import RabbitQueue

from leopard.broker.queues import SENDS, SENDS_OF
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class QueueRoute:
    """A queue for the jobs of some channels."""

    queue: RabbitQueue
    channels: tuple[Channel, ...]


def routes_of(dedicated_queues: Collection[Channel]) -> list[QueueRoute]:
    """All routes: one for each channel with a dedicated queue, and one for the other channels."""
    others = tuple(channel for channel in Channel if channel not in dedicated_queues)
    own = [QueueRoute(SENDS_OF[channel], (channel,)) for channel in Channel if channel in dedicated_queues]
    return [QueueRoute(SENDS, others), *own] if others else own
