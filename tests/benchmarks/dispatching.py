"""Jobs confirmed by the quorum queue: a dispatcher with all that it does around them, beside bare aio-pika."""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import aio_pika
import psycopg

from benchmarks.dataset import begin_campaign
from benchmarks.metering import Meter, Score
from benchmarks.processes import TESTS, hold, let_go, program, running
from leopard.broker.queues import QUEUES, SENDS
from leopard_local.children import Child
from leopard_local.environment import passed_on
from leopard_local.ports import free_port
from leopard_local.stores import Stores

LEASE_SECONDS = 3600
CHUNK = 1000


def dispatcher(stores: Stores, folder: Path, *, messages: int) -> Score:
    """Chunks that are planned beforehand, until the last one is marked as published."""
    asyncio.run(empty_queue(stores.amqp_url))
    environment = {
        "LEOPARD_DATABASE_URL": stores.database_url,
        "LEOPARD_AMQP_URL": stores.amqp_url,
        "LEOPARD_HOST": "127.0.0.1",
        "LEOPARD_PORT": str(free_port()),
        "LEOPARD_WINDOW": "10000000",
        "LEOPARD_LEASE_SECONDS": str(LEASE_SECONDS),
        "LEOPARD_POLL_SECONDS": "0.2",
    }
    begin_campaign(stores.database_url, CHUNK, with_chunks_of=CHUNK)
    with (
        running([[program("dispatcher")]], [environment], folder / "logs") as children,
        psycopg.connect(stores.database_url, autocommit=True) as connection,
    ):
        _wait_until_published(connection, by=children)
        hold(children)
        begin_campaign(stores.database_url, messages, with_chunks_of=CHUNK)
        meter = Meter(stores, children)
        began = time.time()
        let_go(children)
        ended = _wait_until_published(connection, by=children)
        return meter.score(messages, messages / (ended - began))


def bare_publisher(stores: Stores, *, messages: int) -> Score:
    """The same number of jobs from a program that knows them all."""
    asyncio.run(empty_queue(stores.amqp_url))
    meter = Meter(stores)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ceilings.bare_publisher", str(messages)],
        check=True,
        env={
            **passed_on(),
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'deploy/local'}",
            "LEOPARD_AMQP_URL": stores.amqp_url,
        },
        capture_output=True,
        text=True,
    )
    # it has ended and cannot be weighed any more: it says itself what it used
    said = json.loads(done.stdout)
    return replace(meter.score(messages, said["rate"]), cpu=said["cpu"])


async def empty_queue(amqp_url: str) -> None:
    """Leave `campaign_sends` with nothing in it."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments)
        await (await channel.declare_queue(SENDS.name, passive=True)).purge()


def _wait_until_published(connection: psycopg.Connection, *, by: list[Child]) -> float:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE check_at IS NULL), extract(epoch FROM max(check_at))::float8"
            " FROM campaign_chunks"
        ).fetchone()
        assert row is not None
        if row[0] == 0:
            return float(row[1]) - LEASE_SECONDS
        for child in by:
            child.check()
        time.sleep(0.05)
    raise TimeoutError(f"chunks are not published:\n{by[0].tail()}")
