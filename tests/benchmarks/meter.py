"""The cost of a turn: CPU and memory of its processes and of the stores."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.processes import measure
from leopard_local.children import Child
from leopard_local.stores import Stores


@dataclass(frozen=True)
class Score:
    """The result of one turn. CPU seconds are per 10,000 messages."""

    rate: float
    cpu: float
    postgres_cpu: float
    rabbitmq_cpu: float
    rss_mb: float


class Meter:
    """Measures from its creation on. Stores that Leopard did not start count as 0."""

    def __init__(self, stores: Stores, children: Sequence[Child] = ()) -> None:
        self._groups = (
            children,
            [stores.postgres.child] if stores.postgres else [],
            [stores.rabbitmq.child] if stores.rabbitmq else [],
        )
        self._before = [measure(group) for group in self._groups]

    def score(self, messages: int, rate: float) -> Score:
        """Return the cost so far of a turn that sent `messages` at `rate` a second."""
        after = [measure(group) for group in self._groups]
        cpu = [
            (now.cpu_seconds - then.cpu_seconds) * 10_000 / messages
            for then, now in zip(self._before, after, strict=True)
        ]
        return Score(rate, cpu[0], cpu[1], cpu[2], after[0].rss_mb)
