"""Measure sending over real HTTP: bare clients, the worker alone, the whole system, and a worker that is stopped."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import median

from benchmarks.http_server import HttpServer, running_http_server
from benchmarks.jobs import queue_jobs
from benchmarks.processes import TESTS, measure, program
from benchmarks.race import INSTANT, REAL, Contender, Latency, race
from benchmarks.stopped_worker import StopResult, stop_worker
from benchmarks.whole_system import SETTINGS, whole_system
from leopard_local.environment import inherited_environment
from leopard_local.stores import Stores

IN_FLIGHT = 800
"""Connections and requests in flight. At 50 to 200 ms they allow at most 6,400 messages a second."""

VARIANTS = tuple(product((INSTANT, REAL), (False, True)))
"""Pairs of latency and TLS."""

STOPS = tuple(product((signal.SIGKILL, signal.SIGTERM), ("retry", "fail")))
"""Pairs of the signal that stops a worker and the policy for unknown outcomes."""


@dataclass(frozen=True)
class HttpScore:
    """The result of one turn. CPU seconds of each process are per 10,000 messages."""

    rate: float
    cpu: dict[str, float]

    @property
    def system_cpu(self) -> float:
        """CPU seconds of all processes except the server."""
        return sum(seconds for name, seconds in self.cpu.items() if name != "server")


def median_score(turns: list[HttpScore]) -> HttpScore:
    """Return the medians of the turns."""
    cpu = {name: median(turn.cpu[name] for turn in turns) for name in turns[0].cpu}
    return HttpScore(median(turn.rate for turn in turns), cpu)


def variant_name(latency: Latency, *, tls: bool) -> str:
    """Return the name of a variant in tables."""
    return f"{latency.name}, {'TLS' if tls else 'plain'}"


def settings_for(server: HttpServer) -> dict[str, str]:
    """Return settings that send to the server, by their names without `LEOPARD_`."""
    return {**SETTINGS, "provider": "http", "http_url": server.url, "http_connections": str(IN_FLIGHT)}


def bare_client(program_file: Path, folder: Path, client: str, latency: Latency, *, tls: bool, count: int) -> HttpScore:
    """Measure a client alone."""
    with running_http_server(program_file, folder, latency, tls=tls) as server:
        before = measure([server.child]).cpu_seconds
        in_flight = IN_FLIGHT if latency is REAL else 100
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ceilings.bare_http", client, server.url, str(count), str(in_flight)],
            env={**inherited_environment(), "PYTHONPATH": str(TESTS), **server.environment},
            check=True,
            capture_output=True,
            timeout=600,
        )
        result = json.loads(done.stdout)
        # the server also handled the requests that opened the connections
        used = (measure([server.child]).cpu_seconds - before) * 10_000 / (count + in_flight)
        return HttpScore(result["rate"], {"client": result["cpu"], "server": used})


def worker_alone(
    program_file: Path, stores: Stores, folder: Path, latency: Latency, *, tls: bool, count: int
) -> HttpScore:
    """Measure the worker, with its jobs already in the queue."""
    with running_http_server(program_file, folder, latency, tls=tls) as server:
        settings = {f"LEOPARD_{name.upper()}": value for name, value in settings_for(server).items()}
        contender = Contender("leopard", [program("sender-worker")], queue_jobs, {**settings, **server.environment})
        before = measure([server.child]).cpu_seconds
        score = race(stores, folder, contender, latency, messages=count)
        used = (measure([server.child]).cpu_seconds - before) * 10_000 / count
        cpu = {"worker": score.cpu, "postgres": score.postgres_cpu, "rabbitmq": score.rabbitmq_cpu, "server": used}
        return HttpScore(score.rate, cpu)


def system_over_http(program_file: Path, folder: Path, packages: Path, latency: Latency, *, count: int) -> HttpScore:
    """Measure a campaign from the send request until it is sent."""
    with running_http_server(program_file, folder, latency) as server:
        before = measure([server.child]).cpu_seconds
        score = whole_system(folder / "system", packages, customers=count, workers=1, settings=settings_for(server))
        used = (measure([server.child]).cpu_seconds - before) * 10_000 / count
        return HttpScore(score.rate, {**score.cpu, "server": used})


def system_with_mock(folder: Path, packages: Path, *, count: int) -> HttpScore:
    """Measure the same campaign with the mock provider."""
    score = whole_system(folder / "system", packages, customers=count, workers=1)
    return HttpScore(score.rate, dict(score.cpu))


def stop_results(
    program_file: Path, folder: Path, packages: Path, stops: Sequence[tuple[signal.Signals, str]], *, count: int
) -> Mapping[str, StopResult]:
    """Stop a worker with each signal and policy, one campaign each."""
    results = {}
    for number, policy in stops:
        with running_http_server(program_file, folder, REAL) as server:
            settings = settings_for(server)
            results[f"{number.name}, {policy}"] = stop_worker(
                folder / "system", packages, server, settings, customers=count, number=number, policy=policy
            )
    return results


def table_rows(scores: Mapping[str, HttpScore]) -> list[tuple[object, ...]]:
    """Return the rows of a table."""
    return [
        (name, score.rate, score.system_cpu, "  ".join(f"{part} {cpu:.2f}" for part, cpu in score.cpu.items()))
        for name, score in scores.items()
    ]


def as_json(scores: Mapping[str, HttpScore]) -> dict[str, object]:
    """Return the scores for the JSON file."""
    return {name: asdict(score) for name, score in scores.items()}
