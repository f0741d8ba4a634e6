"""Measure campaign-api: first and deep pages of a list, a large send, and reads while messages are sent."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

import httpx2
import psycopg

from benchmarks.dataset import TEMPLATE, ensure_customers
from benchmarks.whole_system import SETTINGS, send, start_campaign
from leopard_local.http_client import http_client
from leopard_local.stack import running_stack

SEND_IDS = 10_000


def api(folder: Path, packages: Path, *, campaigns: int, customers: int) -> dict[str, float]:
    """Return the median time of each request in milliseconds; for reads under load also p95 and requests a second."""
    with running_stack(folder, packages=packages, settings=SETTINGS, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, customers)
        with psycopg.connect(stack.stores.database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO campaigns (name, channel, base_template, created_at)"
                " SELECT 'c' || n, 'sms', %s, now() - n * interval '1 second' FROM generate_series(1, %s) AS n",
                [TEMPLATE, campaigns],
            )
            connection.execute("VACUUM (ANALYZE) campaigns")
        deep = campaigns // 2 // 20
        with http_client(stack.api_url, timeout=120) as client:
            # a cursor is the key of the last row of a page
            cursor = str(campaigns - deep * 20)
            found = {
                "list, page 1": _milliseconds(lambda: client.get("/campaigns")),
                f"list, by page number, page {deep:,}": _milliseconds(
                    lambda: client.get("/campaigns", params={"page": deep}), times=10
                ),
                "list, by cursor, same rows": _milliseconds(
                    lambda: client.get("/campaigns", params={"cursor": cursor})
                ),
            }
            ids = list(range(1, min(SEND_IDS, customers) + 1))
            began = time.perf_counter()
            start_campaign(client, ids)
            found[f"send to {len(ids):,} ids"] = (time.perf_counter() - began) * 1000
            found |= _reads_under_load(stack.api_url)
            send(client, stack, [1])
    return found


def _milliseconds(request: Callable[[], httpx2.Response], *, times: int = 30) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        request().raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def _reads_under_load(url: str, *, clients: int = 8, seconds: float = 3) -> dict[str, float]:
    def read(_: int) -> list[float]:
        taken = []
        with http_client(url, timeout=60) as client:
            deadline = time.perf_counter() + seconds
            while (began := time.perf_counter()) < deadline:
                client.get("/campaigns/1").raise_for_status()
                taken.append((time.perf_counter() - began) * 1000)
        return taken

    with ThreadPoolExecutor(clients) as pool:
        taken = sorted(one for many in pool.map(read, range(clients)) for one in many)
    return {
        "read while sending, median": median(taken),
        "read while sending, p95": quantiles(taken, n=20)[-1],
        "reads a second while sending": len(taken) / seconds,
    }
