"""Real HTTP: bare clients, the worker alone, the whole system, each beside its server; and a worker that is killed."""

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
from benchmarks.killing import Toll, toll_of
from benchmarks.processes import TESTS, program, weigh
from benchmarks.queueing import queue_jobs
from benchmarks.race import INSTANT, REAL, Contender, Latency, race
from benchmarks.whole_system import SETTINGS, whole_system
from leopard_local.environment import passed_on
from leopard_local.stores import Stores

IN_FLIGHT = 800
"""Connections and requests in flight: at 50 to 200 ms the most that they can carry is 6,400 a second."""

WAYS = tuple(product((INSTANT, REAL), (False, True)))
"""Latencies, plain and with TLS."""

ENDINGS = tuple(product((signal.SIGKILL, signal.SIGTERM), ("retry", "fail")))
"""How a worker is ended, and the policy for unknown outcomes."""


@dataclass(frozen=True)
class HttpScore:
    """What one turn came to; CPU seconds of each process are for 10,000 messages."""

    rate: float
    cpu: dict[str, float]

    @property
    def system_cpu(self) -> float:
        """All but the server's."""
        return sum(seconds for name, seconds in self.cpu.items() if name != "server")


def middle(turns: list[HttpScore]) -> HttpScore:
    """The medians of some turns."""
    cpu = {name: median(turn.cpu[name] for turn in turns) for name in turns[0].cpu}
    return HttpScore(median(turn.rate for turn in turns), cpu)


def name_of(latency: Latency, *, tls: bool) -> str:
    """How a table calls a way."""
    return f"{latency.name}, {'TLS' if tls else 'plain'}"


def settings_for(server: HttpServer) -> dict[str, str]:
    """Settings, by their names without `LEOPARD_`, that send to a server."""
    return {**SETTINGS, "provider": "http", "http_url": server.url, "http_connections": str(IN_FLIGHT)}


def bare_client(program_file: Path, folder: Path, client: str, latency: Latency, *, tls: bool, count: int) -> HttpScore:
    """A client alone."""
    with running_http_server(program_file, folder, latency, tls=tls) as server:
        before = weigh([server.child]).cpu_seconds
        in_flight = IN_FLIGHT if latency is REAL else 100
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ceilings.bare_http", client, server.url, str(count), str(in_flight)],
            env={**passed_on(), "PYTHONPATH": str(TESTS), **server.environment},
            check=True,
            capture_output=True,
            timeout=600,
        )
        found = json.loads(done.stdout)
        # the requests that open the connections are the server's work too
        used = (weigh([server.child]).cpu_seconds - before) * 10_000 / (count + in_flight)
        return HttpScore(found["rate"], {"client": found["cpu"], "server": used})


def worker_alone(
    program_file: Path, stores: Stores, folder: Path, latency: Latency, *, tls: bool, count: int
) -> HttpScore:
    """The worker with its jobs queued already."""
    with running_http_server(program_file, folder, latency, tls=tls) as server:
        settings = {f"LEOPARD_{name.upper()}": value for name, value in settings_for(server).items()}
        contender = Contender("leopard", [program("sender-worker")], queue_jobs, {**settings, **server.environment})
        before = weigh([server.child]).cpu_seconds
        score = race(stores, folder, contender, latency, messages=count)
        used = (weigh([server.child]).cpu_seconds - before) * 10_000 / count
        cpu = {"worker": score.cpu, "postgres": score.postgres_cpu, "rabbitmq": score.rabbitmq_cpu, "server": used}
        return HttpScore(score.rate, cpu)


def system_over_http(program_file: Path, folder: Path, packages: Path, latency: Latency, *, count: int) -> HttpScore:
    """From the request of a campaign until it is sent."""
    with running_http_server(program_file, folder, latency) as server:
        before = weigh([server.child]).cpu_seconds
        score = whole_system(folder / "system", packages, customers=count, workers=1, settings=settings_for(server))
        used = (weigh([server.child]).cpu_seconds - before) * 10_000 / count
        return HttpScore(score.rate, {**score.cpu, "server": used})


def system_with_mock(folder: Path, packages: Path, *, count: int) -> HttpScore:
    """The same without HTTP."""
    score = whole_system(folder / "system", packages, customers=count, workers=1)
    return HttpScore(score.rate, dict(score.cpu))


def tolls(
    program_file: Path, folder: Path, packages: Path, endings: Sequence[tuple[signal.Signals, str]], *, count: int
) -> Mapping[str, Toll]:
    """A worker ended in some ways."""
    found = {}
    for number, policy in endings:
        with running_http_server(program_file, folder, REAL) as server:
            settings = settings_for(server)
            found[f"{number.name}, {policy}"] = toll_of(
                folder / "system", packages, server, settings, customers=count, number=number, policy=policy
            )
    return found


def rows_of(scores: Mapping[str, HttpScore]) -> list[tuple[object, ...]]:
    """Rows of a table."""
    return [
        (name, score.rate, score.system_cpu, "  ".join(f"{part} {cpu:.2f}" for part, cpu in score.cpu.items()))
        for name, score in scores.items()
    ]


def kept(scores: Mapping[str, HttpScore]) -> dict[str, object]:
    """What a program reads."""
    return {name: asdict(score) for name, score in scores.items()}
