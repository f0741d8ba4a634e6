"""Whatever goes wrong in a background task, every campaign finishes; no probe is green over a loop that is dead.

`FAULTS=500 SEED=7` throws another number of errors, chosen by another seed.
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

from faults.injector import Injector
from faults.running import Running, all_services, current_service, watch_progress
from leopard.db.pool import Connection
from support.factories import add_customers, counts, rows, until
from troubles.scripted import ScriptedProvider, scripted_provider

FAULTS: Final = int(os.environ.get("FAULTS") or 60)
SEED: Final = int(os.environ.get("SEED") or 0) or random.randrange(1, 10**6)

RECIPIENTS: Final = 30
AT_A_TIME: Final = 3
REPLACED_EVERY: Final = 20
"""After so many errors a service is replaced: what it does at its start meets errors too."""
FINISH_SECONDS: Final = 60
ANSWER_SECONDS: Final = 30
NEW: Final = {"name": "Summer", "channel": "sms", "base_template": "Hi {first_name}"}

pytestmark = [pytest.mark.timeout(120 + 3 * FAULTS), pytest.mark.expects_tracebacks]


@dataclass
class Luck:
    """What a run is chosen by."""

    seed: int
    policy: str


@pytest.fixture(params=["retry", "fail"])
def luck(request: pytest.FixtureRequest) -> Luck:
    """Half of the errors for either way of treating unknown outcomes."""
    print(f"make faults FAULTS={FAULTS} SEED={SEED}")  # noqa: T201 what repeats this run
    return Luck(SEED + (request.param == "fail"), request.param)


async def send_campaign(running: Running, customers: list[int], *, to_audience: bool) -> int:
    """Send a campaign to named customers or, with the planning of its rows, to an audience; its id."""
    campaign_id: int = (await post(running, "/campaigns", NEW))["id"]
    body: dict[str, Any] = {"audience": {"all": True}} if to_audience else {"customer_ids": customers}
    await post(running, f"/campaigns/{campaign_id}/send", body)
    return campaign_id


async def post(running: Running, path: str, body: dict[str, Any]) -> Any:
    """Post as clients should: with an Idempotency-Key, and again while the API is being replaced."""
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


async def test_every_campaign_finishes_whatever_a_background_task_meets(
    connection: Connection, database_url: str, amqp_url: str, luck: Luck, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_progress(monkeypatch)
    chosen = random.Random(luck.seed)
    injector = Injector(chosen, current_service, left=FAULTS // 2)
    injector.install(asyncio.get_running_loop())
    customers = await add_customers(connection, RECIPIENTS)
    sent: list[int] = []
    with structlog.testing.capture_logs() as logs:
        async with (
            scripted_provider() as provider,
            all_services(
                database_url, amqp_url, provider_url=provider.url, policy=luck.policy, starts=injector.begin_again
            ) as running,
        ):
            provider.seconds = 0.02
            next_replaced = injector.left - REPLACED_EVERY
            while injector.left > 0 or injector.lasting:
                if injector.left <= next_replaced:
                    next_replaced -= REPLACED_EVERY
                    chosen.choice([one for one in running.services if not injector.is_lasting(one.name)]).replace()
                if len(await unfinished(connection)) < AT_A_TIME:
                    sent.append(await send_campaign(running, customers, to_audience=chosen.random() < 0.5))
                await asyncio.sleep(0.1)
            with suppress(TimeoutError):
                await until(lambda: none_unfinished(connection), seconds=FINISH_SECONDS)
            stuck = await unfinished(connection)
            for service in running.services:
                await until(service.is_ready)
    # tasks that nothing holds any more log their errors when they are collected. Inside an `ast.parse` of pytest's this
    # would end the session: https://github.com/python/cpython/issues/106905
    gc.collect()
    told = f"{injector.summary()}\n{len(sent)} campaigns; ended: {running.ends}"
    print(told)  # noqa: T201 the result
    assert len(running.ends) >= injector.lasted > 0, "an error that lasts ends the process"
    assert stuck == [], (told, injector.faults)
    assert running.dead_loops == [], (told, injector.faults)
    assert not [log for log in logs if log["event"].startswith("counts were wrong")]
    for campaign_id in sent:
        await check(connection, provider, campaign_id, policy=luck.policy)


async def check(connection: Connection, provider: ScriptedProvider, campaign_id: int, *, policy: str) -> None:
    """Hold a campaign's counts against its rows and against what the provider accepted."""
    counted = await counts(connection, campaign_id)
    messages = await rows(
        connection, "SELECT id, status, last_error FROM outbound_messages WHERE campaign_id = %s", campaign_id
    )
    accepted = {message["id"]: provider.accepted[message["id"]] for message in messages}
    doubled = sum(count - 1 for count in accepted.values() if count > 1)
    assert counted.get("sent", 0) + counted.get("failed", 0) == counted["total"] == RECIPIENTS == len(messages)
    assert counted.get("sent", 0) == len([message for message in messages if message["status"] == "sent"])
    assert doubled <= (counted.get("unknown_outcomes", 0) if policy == "retry" else 0)
    for message in messages:
        if message["status"] == "sent":
            assert accepted[message["id"]] > 0, message
        else:
            # the answer was lost with the task that waited for it, three times or under `fail`
            assert "outcome unknown" in (message["last_error"] or ""), message
