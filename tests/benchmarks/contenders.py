"""The contenders: Leopard's worker, its ceiling, a worker that sends one by one, and the peers."""

import subprocess
import sys
from collections.abc import Callable

from benchmarks.jobs import queue_jobs
from benchmarks.processes import TESTS, program
from benchmarks.race import Contender
from leopard_local.environment import inherited_environment
from leopard_local.stores import Stores

LEOPARD = Contender("leopard", [program("sender-worker")], queue_jobs)
CEILING = Contender("bare aio-pika", [sys.executable, "-m", "benchmarks.ceilings.bare_consumer"], queue_jobs)
ONE_BY_ONE = Contender("one by one", [sys.executable, "-m", "benchmarks.ceilings.one_by_one"], queue_jobs)


def _queue_with(module: str) -> Callable[[Stores, range], None]:
    """Return a function that queues jobs with a peer's own client."""

    def queue_peer_jobs(stores: Stores, message_ids: range) -> None:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.peers.queue_jobs",
                module,
                str(message_ids.start),
                str(message_ids.stop),
            ],
            check=True,
            env={
                **inherited_environment(),
                "PYTHONPATH": str(TESTS),
                "LEOPARD_AMQP_URL": stores.amqp_url,
                "LEOPARD_DATABASE_URL": stores.database_url,
            },
        )

    return queue_peer_jobs


def _celery(name: str, *options: str, connections: int, prefetch: int, each: bool = False) -> Contender:
    command = [program("celery"), "-A", "benchmarks.peers.celery_app", "worker", "--loglevel=ERROR"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat", *options]
    settings = {"BENCH_CONNECTIONS": str(connections), "BENCH_PREFETCH_MULTIPLIER": str(prefetch)}
    return Contender(f"Celery, {name}", command, _queue_with("celery_app"), settings, one_command=not each)


def _dramatiq(name: str, command: str, threads: int, *, connections: int) -> Contender:
    line = [program(command), "benchmarks.peers.dramatiq_app", "--processes", "{processes}", "--threads", str(threads)]
    settings = {"BENCH_CONNECTIONS": str(connections), "dramatiq_queue_prefetch": str(max(2 * threads, 100))}
    return Contender(f"Dramatiq, {name}", line, _queue_with("dramatiq_app"), settings, one_command=True)


def _taskiq(name: str, tasks: int, *, connections: int) -> Contender:
    line = [program("taskiq"), "worker", "benchmarks.peers.taskiq_app:broker", "--workers", "{processes}"]
    line += ["--max-async-tasks", str(tasks), "--ack-type", "when_executed", "--log-level", "ERROR"]
    settings = {"BENCH_CONNECTIONS": str(connections), "BENCH_PREFETCH": str(2 * tasks)}
    return Contender(f"taskiq, {name}", line, _queue_with("taskiq_app"), settings, one_command=True)


INSTANT_PEERS = (
    _celery("prefork", "--pool=prefork", "--concurrency={processes}", connections=2, prefetch=50),
    _celery("threads", "--pool=threads", "--concurrency=20", connections=20, prefetch=20, each=True),
    _celery("gevent", "--pool=gevent", "--concurrency=100", connections=20, prefetch=5, each=True),
    _dramatiq("8 threads", "dramatiq", 8, connections=8),
    _taskiq("100 tasks", 100, connections=20),
)
"""Settings for a provider that answers at once."""

SLOW_PEERS = (
    _celery("gevent", "--pool=gevent", "--concurrency=500", connections=20, prefetch=2, each=True),
    _celery("threads", "--pool=threads", "--concurrency=200", connections=20, prefetch=2, each=True),
    _dramatiq("200 threads", "dramatiq", 200, connections=20),
    _dramatiq("gevent, 500 greenlets", "dramatiq-gevent", 500, connections=20),
    _taskiq("1,000 tasks", 1000, connections=20),
)
"""Settings for a provider that takes 50 to 200 ms."""
