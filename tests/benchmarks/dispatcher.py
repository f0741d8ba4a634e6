"""Measure confirmed jobs a second: the dispatcher, and a bare aio-pika publisher."""

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

from benchmarks.dataset import create_campaign
from benchmarks.meter import Meter, Score
from benchmarks.processes import TESTS, program, resume, running, suspend
from leopard.broker.queues import QUEUES, SENDS
from leopard_local.children import Child
from leopard_local.environment import inherited_environment
from leopard_local.ports import free_port
from leopard_local.stores import Stores

LEASE_SECONDS = 3600
CHUNK = 1000


def dispatcher(stores: Stores, folder: Path, *, messages: int) -> Score:
    """Measure a dispatcher from its start until it has marked the last planned chunk as published."""
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
    create_campaign(stores.database_url, CHUNK, chunk_size=CHUNK)
    with (
        running([[program("dispatcher")]], [environment], folder / "logs") as children,
        psycopg.connect(stores.database_url, autocommit=True) as connection,
    ):
        _wait_until_published(connection, children)
        suspend(children)
        create_campaign(stores.database_url, messages, chunk_size=CHUNK)
        meter = Meter(stores, children)
        began = time.time()
        resume(children)
        ended = _wait_until_published(connection, children)
        return meter.score(messages, messages / (ended - began))


def bare_publisher(stores: Stores, *, messages: int) -> Score:
    """Measure the same number of jobs, published without a database."""
    asyncio.run(empty_queue(stores.amqp_url))
    meter = Meter(stores)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ceilings.bare_publisher", str(messages)],
        check=True,
        env={
            **inherited_environment(),
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'deploy/local'}",
            "LEOPARD_AMQP_URL": stores.amqp_url,
        },
        capture_output=True,
        text=True,
    )
    # the process has ended, so its CPU time can no longer be read: it reports its own
    result = json.loads(done.stdout)
    return replace(meter.score(messages, result["rate"]), cpu=result["cpu"])


async def empty_queue(amqp_url: str) -> None:
    """Declare the queues, and purge `campaign_sends`."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments)
        await (await channel.declare_queue(SENDS.name, passive=True)).purge()


def _wait_until_published(connection: psycopg.Connection, children: list[Child]) -> float:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        row = connection.execute(
            "SELECT count(*) FILTER (WHERE check_at IS NULL), extract(epoch FROM max(check_at))::float8"
            " FROM campaign_chunks"
        ).fetchone()
        assert row is not None
        if row[0] == 0:
            return float(row[1]) - LEASE_SECONDS
        for child in children:
            child.check()
        time.sleep(0.05)
    raise TimeoutError(f"the chunks are not published:\n{children[0].tail()}")
