"""Every message is finished, whichever process is killed."""

import asyncio
import signal
import time

import aio_pika
import httpx2
import psycopg
import pytest

from leopard.broker.queues import NUDGES, SENDS
from leopard_local.stack import Stack
from recovery.campaigns import campaign_stats, create_campaign, wait_until_sent, wait_until_sent_count


def test_messages_of_a_killed_worker_are_sent_by_others(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 600)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    stack.services["sender-worker-1"].child.kill()
    with psycopg.connect(stack.stores.database_url) as connection:
        held = connection.execute("SELECT count(*) FROM outbound_messages WHERE claimed_until IS NOT NULL").fetchone()
    assert held is not None
    assert held[0] > 0, "the worker held no messages when it was killed"
    wait_until_sent(client, campaign_id, 600)
    stack.services["sender-worker-1"].child.start()


def test_a_campaign_finishes_after_its_dispatcher_is_killed(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 2000)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    time.sleep(0.3)
    dispatcher = stack.services["dispatcher-1"].child
    dispatcher.kill()
    assert campaign_stats(client, campaign_id)["pending"] > 0
    dispatcher.start()
    wait_until_sent(client, campaign_id, 2000)


def test_a_rolling_restart_of_all_workers_leaves_no_outcome_unknown(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 5000)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    for name in ("sender-worker-1", "sender-worker-2"):
        assert campaign_stats(client, campaign_id)["pending"] > 0, "the campaign was sent before the restart"
        worker = stack.services[name].child
        assert worker.stop(seconds=30) == 0, worker.tail()
        worker.start()
        stack.wait_until_ready()
    wait_until_sent(client, campaign_id, 5000)
    assert campaign_stats(client, campaign_id)["unknown_outcomes"] == 0, "a worker left a message in flight unrecorded"


@pytest.mark.parametrize("program", ["campaign-api", "dispatcher-1", "sender-worker-1"])
def test_every_service_shuts_down_cleanly(stack: Stack, program: str) -> None:
    child = stack.services[program].child
    assert child.stop(seconds=30) == 0, child.tail()
    child.start()
    stack.wait_until_ready()


def test_a_campaign_finishes_after_a_worker_was_suspended(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 600)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    worker = stack.services["sender-worker-1"].child
    worker.send_signal(signal.SIGSTOP)
    time.sleep(5)
    worker.send_signal(signal.SIGCONT)
    wait_until_sent(client, campaign_id, 600)


def test_a_campaign_finishes_after_its_queues_are_purged(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 1000)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    purged = asyncio.run(_purge(stack.stores.amqp_url))
    assert purged > 0
    wait_until_sent(client, campaign_id, 1000)


async def _purge(amqp_url: str) -> int:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await (await channel.declare_queue(NUDGES.name, passive=True)).purge()
        queue = await channel.declare_queue(SENDS.name, passive=True)
        purged = 0
        deadline = time.monotonic() + 10
        while not purged and time.monotonic() < deadline:
            purged = (await queue.purge()).message_count or 0
        return purged
