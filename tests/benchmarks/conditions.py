"""The conditions of a run: versions, hardware and settings."""

import asyncio
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aio_pika
import psycopg

from leopard_local.stores import Stores

LIBRARIES = ("faststream", "aio-pika", "aiormq", "psycopg", "uvloop", "fastapi")
PEERS = ("celery", "dramatiq", "taskiq", "taskiq-aio-pika", "gevent")


def conditions(stores: Stores, *, with_peers: bool) -> dict[str, Any]:
    """Return versions, processor, and the settings of the stores that affect speed."""
    with psycopg.connect(stores.database_url) as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    return {
        "leopard": _commit(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "postgresql": {name: row[0] for name, row in settings.items() if row},
        "rabbitmq": asyncio.run(_rabbitmq(stores.amqp_url)) | {"queue": "quorum"},
        "libraries": {name: version(name) for name in (*LIBRARIES, *(PEERS if with_peers else ()))},
        "event_loop": f"uvloop {version('uvloop')}",
    }


async def _rabbitmq(amqp_url: str) -> dict[str, str]:
    async with await aio_pika.connect(amqp_url) as connection:
        assert connection.transport is not None
        properties = connection.transport.connection.server_properties
        return {name: str(properties.get(name, "")) for name in ("version", "platform")}


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or "not under version control"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
