"""Sizes of a full run and of a quick run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of messages, rows and repeats. A rate is the median of its repeats."""

    repeats: int
    race: int
    one_by_one: int
    peer: int
    processes: int
    dispatch: int
    system: int
    growth_rows: tuple[int, ...]
    growth_send: int
    waiting: int
    waiting_seconds: float
    campaigns: int
    single: int
    render: int
    personalized: int
    all_peers: bool
    http: int
    http_stopped: int
    http_all: bool
    imported: int
    dry_run: int


FULL = Sizes(
    repeats=3,
    race=30_000,
    one_by_one=80,
    peer=8_000,
    processes=2,
    dispatch=40_000,
    system=100_000,
    growth_rows=(0, 1_000_000, 5_000_000),
    growth_send=50_000,
    waiting=1_000_000,
    waiting_seconds=150,
    campaigns=1_000_000,
    single=30,
    render=200_000,
    personalized=50_000,
    all_peers=True,
    http=30_000,
    http_stopped=30_000,
    http_all=True,
    imported=1_000_000,
    dry_run=1_000_000,
)
QUICK = Sizes(
    repeats=1,
    race=4_000,
    one_by_one=10,
    peer=500,
    processes=1,
    dispatch=5_000,
    system=5_000,
    growth_rows=(0, 20_000),
    growth_send=3_000,
    waiting=50_000,
    waiting_seconds=6,
    campaigns=20_000,
    single=3,
    render=20_000,
    personalized=3_000,
    all_peers=False,
    http=1_000,
    http_stopped=1_000,
    http_all=False,
    imported=20_000,
    dry_run=20_000,
)
