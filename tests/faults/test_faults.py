"""Every campaign finishes, whatever errors background tasks get. No service is ready while one of its loops is dead.

`FAULTS=500 SEED=7` sets the number of errors and the seed.
"""

import asyncio
import gc
import os
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx2
import pytest
import structlog

from dispatcher.completion import RECOUNTED
from faults.injector import Injector
from faults.running import Running, all_services, current_service, watch_progress
from leopard.db.pool import Connection
from support.factories import add_customers, counts, rows, until
from troubles.scripted import ScriptedProvider, scripted_provider

FAULTS: Final = int(os.environ.get("FAULTS") or 60)
SEED: Final = int(os.environ.get("SEED") or 0) or random.randrange(1, 10**6)

RECIPIENTS: Final = 30
CONCURRENT_CAMPAIGNS: Final = 3
REPLACE_EVERY: Final = 20
"""Number of errors after which a service is replaced, so that its start gets errors too."""
FINISH_SECONDS: Final = 60
ANSWER_SECONDS: Final = 30
NEW: Final = {"name": "Summer", "channel": "sms", "base_template": "Hi {first_name}"}

pytestmark = [pytest.mark.timeout(120 + 3 * FAULTS), pytest.mark.expects_tracebacks]


@dataclass
class RunParameters:
    """The seed of a run, and the policy for unknown outcomes."""

    seed: int
    policy: str


@pytest.fixture(params=["retry", "fail"])
def parameters(request: pytest.FixtureRequest) -> RunParameters:
    """The parameters of one run. Each policy for unknown outcomes gets half of the errors."""
    print(f"make faults FAULTS={FAULTS} SEED={SEED}")  # noqa: T201 the command that repeats this run
    return RunParameters(SEED + (request.param == "fail"), request.param)


async def send_campaign(running: Running, customers: list[int], *, to_audience: bool) -> int:
    """Send a campaign to these customers, or to an audience, which needs planning. Return its id."""
    campaign_id: int = (await post(running, "/campaigns", NEW))["id"]
    body: dict[str, Any] = {"audience": {"all": True}} if to_audience else {"customer_ids": customers}
    await post(running, f"/campaigns/{campaign_id}/send", body)
    return campaign_id


async def post(running: Running, path: str, body: dict[str, Any]) -> Any:
    """Post with an Idempotency-Key, and retry while the API is unavailable."""
    key = {"Idempotency-Key": uuid4().hex}
    answers: list[httpx2.Response] = []

    async def is_answered() -> bool:
        answers.append(await running.client.post(path, json=body, headers=key))
        return answers[-1].status_code != 503

    await until(is_answered, seconds=ANSWER_SECONDS)
    return answers[-1].raise_for_status().json()


async def unfinished(connection: Connection) -> list[int]:
    found = await rows(connection, "SELECT id FROM campaigns WHERE status NOT IN ('sent', 'failed') ORDER BY id")
    return [row["id"] for row in found]


async def none_unfinished(connection: Connection) -> bool:
    return not await unfinished(connection)


async def test_every_campaign_finishes_whatever_errors_background_tasks_get(
    connection: Connection, database_url: str, amqp_url: str, parameters: RunParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_progress(monkeypatch)
    rng = random.Random(parameters.seed)
    injector = Injector(rng, current_service, left=FAULTS // 2)
    injector.install(asyncio.get_running_loop())
    customers = await add_customers(connection, RECIPIENTS)
    sent: list[int] = []
    with structlog.testing.capture_logs() as logs:
        async with (
            scripted_provider() as provider,
            all_services(
                database_url, amqp_url, provider_url=provider.url, policy=parameters.policy, on_start=injector.reset
            ) as running,
        ):
            provider.latency_seconds = 0.02
            replace_at = injector.left - REPLACE_EVERY
            while injector.left > 0 or injector.persistent:
                if injector.left <= replace_at:
                    replace_at -= REPLACE_EVERY
                    rng.choice([one for one in running.services if not injector.is_ending(one.name)]).replace()
                if len(await unfinished(connection)) < CONCURRENT_CAMPAIGNS:
                    sent.append(await send_campaign(running, customers, to_audience=rng.random() < 0.5))
                await asyncio.sleep(0.1)
            with suppress(TimeoutError):
                await until(lambda: none_unfinished(connection), seconds=FINISH_SECONDS)
            stuck = await unfinished(connection)
            for service in running.services:
                await until(service.is_ready)
    # unreferenced tasks log their errors when they are collected; during an `ast.parse` of pytest this would end the
    # session: https://github.com/python/cpython/issues/106905
    gc.collect()
    summary = f"{injector.summary()}\n{len(sent)} campaigns; ended: {running.ends}"
    print(summary)  # noqa: T201 the result
    assert len(running.ends) >= injector.persistent_count > 0, "a persistent error must end the process"
    assert stuck == [], (summary, injector.faults)
    assert running.dead_loops == [], (summary, injector.faults)
    assert not [log for log in logs if log["event"] == RECOUNTED]
    for campaign_id in sent:
        await check(connection, provider, campaign_id, policy=parameters.policy)


async def check(connection: Connection, provider: ScriptedProvider, campaign_id: int, *, policy: str) -> None:
    """Compare a campaign's counts with its rows and with the messages that the provider accepted."""
    counted = await counts(connection, campaign_id)
    messages = await rows(
        connection, "SELECT id, status, last_error FROM outbound_messages WHERE campaign_id = %s", campaign_id
    )
    accepted = {message["id"]: provider.accepted[message["id"]] for message in messages}
    duplicates = sum(count - 1 for count in accepted.values() if count > 1)
    assert counted.get("sent", 0) + counted.get("failed", 0) == counted["total"] == RECIPIENTS == len(messages)
    assert counted.get("sent", 0) == len([message for message in messages if message["status"] == "sent"])
    assert duplicates <= (counted.get("unknown_outcomes", 0) if policy == "retry" else 0)
    for message in messages:
        if message["status"] == "sent":
            assert accepted[message["id"]] > 0, message
        else:
            # the task that waited for the answer got an error: at all three attempts, or once with policy `fail`
            assert "outcome unknown" in (message["last_error"] or ""), message
