"""One run of benchmarks: its stores, its sizes and its results so far."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.conditions import conditions
from benchmarks.dataset import ensure_customers
from benchmarks.meter import Score
from benchmarks.report import Report
from benchmarks.sizes import Sizes
from leopard_local.stores import Stores, migrate, running_stores

SCORE = ("", "messages/s", "CPU s/10k", "PostgreSQL", "RabbitMQ", "RSS MB")


@dataclass
class Run:
    """One run: its folders, its sizes and its results so far."""

    folder: Path
    packages: Path
    sizes: Sizes
    report: Report
    ratios: dict[str, tuple[float, str]] = field(default_factory=dict)

    @contextlib.contextmanager
    def stores(self) -> Iterator[Stores]:
        """Run PostgreSQL and RabbitMQ for races, with the customers that they need."""
        with running_stores(self.folder / "race", self.packages) as stores:
            migrate(stores.database_url)
            sizes = self.sizes
            ensure_customers(stores.database_url, max(sizes.race, sizes.dispatch, sizes.system) + 1000)
            self.report.keep("conditions", conditions(stores, with_peers=peers_installed()))
            yield stores

    def show(self, title: str, scores: Mapping[str, Score]) -> None:
        """Store scores and show them."""
        self.report.keep(title, {name: asdict(score) for name, score in scores.items()})
        rows = [(n, s.rate, s.cpu, s.postgres_cpu, s.rabbitmq_cpu, s.rss_mb) for n, s in scores.items()]
        self.report.table(title, SCORE, rows)


def peers_installed() -> bool:
    """Whether Celery, Dramatiq and taskiq are installed."""
    return all((Path(sys.executable).with_name(name)).exists() for name in ("celery", "dramatiq", "taskiq"))
