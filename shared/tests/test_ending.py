"""A service with a task that always fails reports it, becomes not ready, and ends with status 1."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2

from leopard_local.ports import free_port
from support.factories import until

SERVICE = Path(__file__).with_name("failing_service.py")


def start(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    variables = {
        "LEOPARD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "LEOPARD_AMQP_URL": "amqp://127.0.0.1:1/",
        "LEOPARD_HOST": "127.0.0.1",
        "LEOPARD_PORT": str(port),
        "LEOPARD_LOG_FORMAT": "json",
        "LEOPARD_ENDED": str(folder / "ended"),
    }
    with (folder / "log").open("wb") as written:
        return subprocess.Popen(
            [sys.executable, str(SERVICE)], env=os.environ | variables, stdout=written, stderr=subprocess.STDOUT
        )


async def test_a_step_that_always_fails_makes_the_service_not_ready_and_ends_it_gracefully(tmp_path: Path) -> None:
    port = free_port()
    process = start(port, tmp_path)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def not_ready() -> bool:
                try:
                    answer = await client.get("/readyz")
                except httpx2.TransportError:
                    return False
                return bool(answer.status_code == 503)

            await until(not_ready)
            assert process.poll() is None, "the process must become not ready before it ends"
            reasons = (await client.get("/readyz")).json()["reasons"]
            assert reasons == ["failing: step that fails"]
            metrics = (await client.get("/metrics")).text
            assert 'leopard_background_failures_total{task="step that fails"}' in metrics
        status = await asyncio.to_thread(process.wait, 30)
    finally:
        process.kill()
        process.wait()
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert status == 1, events
    assert (tmp_path / "ended").read_text() == "in order"
    [why] = [event for event in events if event["event"] == "the process ends"]
    assert "step that fails" in why["reason"]
    tracebacks = [event for event in events if "exception" in event]
    assert len(tracebacks) == 1, "an error of one kind is logged once"
