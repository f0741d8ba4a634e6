"""Queue routes: a queue, and the channels whose jobs go through it.

Where no channel has dedicated workers, there is one route, `campaign_sends`, for all jobs. Routes do not wait for one
another: each has a window and a loop, so that a slow provider holds up its own channel alone.
"""

from collections.abc import Collection
from dataclasses import dataclass

from faststream.rabbit import RabbitQueue

from leopard.broker.queues import SENDS, SENDS_OF
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class QueueRoute:
    """Where the jobs of some channels go."""

    queue: RabbitQueue
    channels: tuple[Channel, ...]


def routes_of(dedicated_queues: Collection[Channel]) -> list[QueueRoute]:
    """All routes: one for each channel with a dedicated queue, and one for the other channels."""
    others = tuple(channel for channel in Channel if channel not in dedicated_queues)
    own = [QueueRoute(SENDS_OF[channel], (channel,)) for channel in Channel if channel in dedicated_queues]
    return [QueueRoute(SENDS, others), *own] if others else own
