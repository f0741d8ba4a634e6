"""An import that is killed at any moment and repeated leaves the same customers as one undisturbed import."""

import asyncio
import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from running_api import Service
from support.factories import rows

ROWS = 25_000
SEEDS = int(os.environ.get("LEOPARD_IMPORT_SEEDS", "20"))


def file_of_customers() -> bytes:
    """Customers, some of them twice, and some rows that are rejected."""
    chance = random.Random(1)
    lines = ["phone,first_name,points,tags"]
    for number in range(ROWS):
        phone = f"+2547{chance.randrange(ROWS * 2):08d}" if number % 50 else "2.547E+11"
        lines.append(f"{phone},Ann {number},{number},a;b")
    return "\n".join(lines).encode()


async def stored(connection: Connection) -> list[dict[str, Any]]:
    return await rows(connection, "SELECT phone, first_name, attributes FROM customers ORDER BY phone")


def upload(url: str, content: bytes) -> httpx2.Response:
    return httpx2.post(f"{url}/customers/import", content=content, headers={"content-type": "text/csv"}, timeout=60)


@pytest.mark.timeout(900)
async def test_a_killed_import_that_is_repeated_equals_an_undisturbed_one(
    serve: Callable[..., Service], connection: Connection
) -> None:
    content = file_of_customers()
    service = serve()
    began = time.monotonic()
    assert upload(service.url, content).status_code == 201
    undisturbed_seconds = time.monotonic() - began
    expected = await stored(connection)
    statuses = set()
    for seed in range(SEEDS):
        await connection.execute("TRUNCATE customers, imports, customer_fields, customer_field_counts CASCADE")
        uploading = threading.Thread(target=_ignoring_errors, args=(upload, service.url, content))
        uploading.start()
        await asyncio.sleep(random.Random(seed).uniform(0, undisturbed_seconds))
        service.process.kill()
        service.process.wait()
        uploading.join()
        [killed] = await rows(connection, "SELECT status, rows FROM imports UNION ALL SELECT 'none', 0 LIMIT 1")
        statuses.add(killed["status"])
        assert killed["rows"] % 10_000 == 0 or killed["rows"] == ROWS, "only whole batches are stored"
        service = serve()
        repeated = upload(service.url, content)
        assert repeated.status_code == 201, repeated.text
        assert await stored(connection) == expected, f"seed {seed}"
        counted = repeated.json()
        assert counted["rejected"] == ROWS // 50
        assert counted["created"] + counted["updated"] + counted["unchanged"] == len(expected)
    assert "running" in statuses, "no kill hit a running import"


def _ignoring_errors(call: Callable[..., object], *arguments: object) -> None:
    with contextlib.suppress(httpx2.HTTPError):
        call(*arguments)
