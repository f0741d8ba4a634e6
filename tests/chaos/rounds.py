"""Run one round: send a campaign while faults are injected."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from chaos.audit import Audit, audit
from chaos.schedule import Event, Fault, schedule
from leopard_local.children import Child
from leopard_local.http_client import http_client
from leopard_local.log_audit import LogAuditError, check_logs
from leopard_local.ports import LOOPBACK, free_port, wait_until_listening
from leopard_local.stack import Stack, running_stack

LEASE_SECONDS = 6
FINISH_SECONDS = 240
BEHAVIOUR = {
    "latency_min_seconds": 0.05,
    "latency_max_seconds": 0.2,
    "refused": 0.02,
    "permanent": 0.005,
    "throttled": 0.005,
    "reset": 0.003,
    "timeout": 0.001,
    "answer_lost": 0.003,
    "retry_after_seconds": 1,
    "timeout_seconds": 5,
}


@dataclass(frozen=True)
class RoundResult:
    """The result of a round."""

    seed: int
    policy: str
    faults: int
    seconds: float
    findings: Audit

    @property
    def passed(self) -> bool:
        """Whether the audit found no problem."""
        return not self.findings.problems

    def line(self) -> dict[str, Any]:
        """Return the result for the JSON line."""
        found = self.findings
        return {
            "seed": self.seed,
            "policy": self.policy,
            "kills": self.faults,
            "lost": found.lost,
            "duplicates": found.duplicates,
            "unknown_outcomes": found.unknown_outcomes,
            "unfinished": found.unfinished,
            "sent": found.sent,
            "failed": found.failed,
            "seconds": round(self.seconds, 1),
            "problems": found.problems[:5],
        }


def run_round(folder: Path, packages: Path, *, seed: int, policy: str, recipients: int) -> RoundResult:
    """Run one round in an empty folder."""
    with _simulator(folder, seed) as simulator_url:
        settings = {
            "provider": "http",
            "http_url": f"{simulator_url}/messages",
            "http_timeout_seconds": "2",
            "on_unknown_outcome": policy,
            "lease_seconds": str(LEASE_SECONDS),
            "sweep_seconds": "1",
            "backoff_seconds": "1",
            "prefetch": "300",
            "window": "3000",
            "chunk_size": "500",
            "shutdown_seconds": "10",
        }
        with running_stack(folder, packages=packages, workers=3, dispatchers=2, settings=settings, fresh=True) as stack:
            _configure(simulator_url, BEHAVIOUR)
            campaign_id = _send(stack, recipients)
            started = time.monotonic()
            events = schedule(seed)
            for event in events:
                time.sleep(event.pause_seconds)
                _report(f"{time.monotonic() - started:5.1f} s  {event.fault.value}")
                _inject(stack, event, simulator_url)
            _wait_until_finished(stack, campaign_id, started)
            findings = audit(stack.stores.database_url, stack.api_url, simulator_url, campaign_id, recipients, policy)
            seconds = time.monotonic() - started
    try:
        check_logs(folder)
    except LogAuditError as error:
        findings.problems.append(str(error))
    return RoundResult(seed, policy, len(events), seconds, findings)


@contextlib.contextmanager
def _simulator(folder: Path, seed: int) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "provider_simulator", "--port", str(port), "--seed", str(seed)]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    child = Child("provider-simulator", command, folder / "simulator.log", environment)
    child.start()
    try:
        wait_until_listening(port, seconds=20)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        child.stop(seconds=10)


def _configure(simulator_url: str, behaviour: Mapping[str, float]) -> None:
    httpx2.put(f"{simulator_url}/behaviour", json=behaviour, trust_env=False).raise_for_status()


def _send(stack: Stack, recipients: int) -> int:
    with psycopg.connect(stack.stores.database_url) as connection:
        connection.execute(
            """
            INSERT INTO customers (phone, first_name)
            SELECT '+2547' || lpad(n::text, 8, '0'), 'Customer ' || n FROM generate_series(1, %s::int) AS n
            """,
            [recipients],
        )
    with http_client(stack.api_url, timeout=60) as client:
        body = {"name": "chaos", "channel": "sms", "base_template": "Hi {first_name}"}
        campaign_id: int = client.post("/campaigns", json=body).raise_for_status().json()["id"]
        client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"all": True}}).raise_for_status()
    return campaign_id


def _inject(stack: Stack, event: Event, simulator_url: str) -> None:  # noqa: C901 one case for each fault
    worker = stack.services[f"sender-worker-{event.index % 3 + 1}"].child
    dispatcher = stack.services[f"dispatcher-{event.index % 2 + 1}"].child
    match event.fault:
        case Fault.KILL_WORKER:
            _kill_and_start(worker)
        case Fault.KILL_DISPATCHER:
            _kill_and_start(dispatcher)
        case Fault.KILL_API:
            _kill_and_start(stack.services["campaign-api"].child)
        case Fault.RESTART_WORKER:
            _wait_until_listening(stack, worker)
            if worker.stop(seconds=20) != 0:
                msg = f"{worker.name} did not shut down cleanly:\n{worker.tail()}"
                raise RuntimeError(msg)
            worker.start()
        case Fault.SUSPEND_WORKER:
            worker.send_signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS + 1.5)
            worker.send_signal(signal.SIGCONT)
        case Fault.KILL_RABBITMQ:
            assert stack.stores.rabbitmq is not None
            stack.stores.rabbitmq.kill()
            stack.stores.rabbitmq.start()
            stack.stores.rabbitmq.wait_until_up()
        case Fault.KILL_POSTGRES:
            assert stack.stores.postgres is not None
            stack.stores.postgres.child.kill()
            stack.stores.postgres.start()
        case Fault.DROP_CONNECTIONS:
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(stack.stores.database_url) as connection,
            ):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
        case Fault.PURGE_QUEUE:
            _purge(stack.stores.amqp_url)
        case Fault.PROVIDER_OUTAGE:
            _configure(simulator_url, {"outage": True})
            time.sleep(2)
            _configure(simulator_url, {"outage": False})


def _wait_until_listening(stack: Stack, child: Child) -> None:
    # a worker that was just killed and started must be up before it can shut down cleanly
    with contextlib.suppress(TimeoutError):
        wait_until_listening(stack.services[child.name].port, seconds=15)


def _kill_and_start(child: Child) -> None:
    child.kill()
    time.sleep(0.3)
    child.start()


def _purge(amqp_url: str) -> None:
    import asyncio  # noqa: PLC0415 only this function needs an event loop

    import aio_pika  # noqa: PLC0415

    async def purge() -> None:
        async with await aio_pika.connect(amqp_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("campaign_sends", passive=True)
            await queue.purge()

    asyncio.run(purge())


def _wait_until_finished(stack: Stack, campaign_id: int, started: float) -> None:
    deadline = time.monotonic() + FINISH_SECONDS
    reported_at = 0.0
    with http_client(stack.api_url, timeout=10) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.HTTPError):
                campaign = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
                if campaign["status"] in {"sent", "failed"}:
                    return
                if time.monotonic() - reported_at > 5:
                    reported_at = time.monotonic()
                    _report(f"{reported_at - started:5.1f} s  {campaign['stats']}")
            time.sleep(0.3)


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 progress
