"""Lanes: a queue, and the channels whose jobs go through it.

Where no channel has workers of its own there is one lane, `campaign_sends`, and everything goes through it. Lanes do
not wait for one another: each has a window and a loop, so that a provider that is slow holds up its own channel alone.
"""

from collections.abc import Collection
from dataclasses import dataclass

from faststream.rabbit import RabbitQueue

from leopard.broker.messaging import SENDS, SENDS_OF
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class Lane:
    """Where the jobs of some channels go."""

    queue: RabbitQueue
    channels: tuple[Channel, ...]


def lanes_of(own_queues: Collection[Channel]) -> list[Lane]:
    """Every lane: one for each channel that has a queue of its own, and one for all the others."""
    others = tuple(channel for channel in Channel if channel not in own_queues)
    own = [Lane(SENDS_OF[channel], (channel,)) for channel in Channel if channel in own_queues]
    return [Lane(SENDS, others), *own] if others else own
