"""Imports of customers: Leopard, a bare COPY with one statement, and an ORM's bulk upsert, in turns on one file."""

import csv
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Self

import httpx2
import psycopg
from sqlalchemy import create_engine, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from benchmarks.dataset import ensure_customers
from benchmarks.processes import measure
from benchmarks.run import Run
from benchmarks.whole_system import SETTINGS, send
from leopard.db.tables import Customer
from leopard_local.children import Child
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack

COLUMNS = ("phone", "first_name", "last_name", "location", "preferred_product", "preferred_language", "time_zone")
ATTRIBUTES = ("points", "last_order", "tier")
ORM_ROWS = 1000
LEAST_OF_BARE = 0.6
MOST_RSS_MB = 150

STAGE = f"CREATE TEMPORARY TABLE staged ({' text, '.join(COLUMNS)} text, points numeric, last_order text, tier text)"
UPSERT = f"""
INSERT INTO customers ({", ".join(COLUMNS)}, attributes)
SELECT {", ".join(COLUMNS)}, jsonb_build_object('points', points, 'last_order', last_order, 'tier', tier) FROM staged
    ON CONFLICT (phone) DO UPDATE
   SET {", ".join(f"{column} = excluded.{column}" for column in COLUMNS[1:])},
       attributes = customers.attributes || excluded.attributes, updated_at = now()
"""


def write_file(file: Path, rows: int, *, first: int = 0) -> None:
    """Write a CSV file with ten columns and these many customers."""
    towns, goods = ("Nairobi", "Mombasa", "Kisumu", "Nakuru"), ("Running Shoes", "Walking Shoes", "Sandals")
    with file.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow((*COLUMNS, *ATTRIBUTES))
        writer.writerows(
            (
                f"+2547{(first + n) * 7919 % 10**8:08d}", f"Wanjiru{n % 1000}", f"Mwangi{n % 900}", towns[n % 4],
                goods[n % 3], ("en", "sw-KE")[n % 2], "Africa/Nairobi", n % 5000,
                date(2026, 1, 1) + timedelta(n % 300), ("gold", "silver", "bronze")[n % 3],
            )
            for n in range(rows)
        )  # fmt: skip


def bare_copy(database_url: str, file: Path) -> None:
    """Import by COPY into a staging table and one INSERT, in one transaction, without any check."""
    with psycopg.connect(database_url) as connection, file.open("rb") as content:
        connection.execute(STAGE)
        with connection.cursor().copy("COPY staged FROM STDIN (FORMAT csv, HEADER)") as copy:
            while part := content.read(1 << 20):
                copy.write(part)
        connection.execute(UPSERT)


def orm_upsert(database_url: str, file: Path) -> None:
    """Import by the ORM's bulk upsert of 1,000 rows, as most applications do."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with Session(engine) as session, file.open(newline="") as content:
        rows = csv.DictReader(content)
        while some := list(islice(rows, ORM_ROWS)):
            values = [
                {
                    **{column: row[column] for column in COLUMNS},
                    "attributes": {**{name: row[name] for name in ATTRIBUTES}, "points": int(row["points"])},
                }
                for row in some
            ]
            statement = insert(Customer).values(values)
            changes = {column: statement.excluded[column] for column in (*COLUMNS[1:], "attributes")}
            session.execute(
                statement.on_conflict_do_update(index_elements=["phone"], set_=changes | {"updated_at": func.now()})
            )
            session.commit()
    engine.dispose()


@dataclass
class MemoryWatch:
    """The highest resident memory of a process while the block runs, in MB."""

    child: Child
    highest_mb: float = 0

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.highest_mb = max(self.highest_mb, measure([self.child]).rss_mb)


def parts_of(file: Path) -> Iterator[bytes]:
    """The content of a file in parts."""
    with file.open("rb") as content:
        while part := content.read(1 << 17):
            yield part


def import_file(client: httpx2.Client, file: Path) -> None:
    """Import a file through the API."""
    answer = client.post("/customers/import", content=parts_of(file), headers={"content-type": "text/csv"})
    body = answer.raise_for_status().json()
    assert body["rejected"] == body["duplicates"] == 0, body


def importing(run: Run) -> None:
    """Compare imports of one file into an empty table; then send a campaign while a file is imported."""
    file = run.folder / "customers.csv"
    write_file(file, run.sizes.imported)
    seconds: dict[str, list[float]] = {"leopard": [], "bare COPY": [], "ORM, 1,000 rows": []}
    with running_stack(run.folder / "system", packages=run.packages, settings=SETTINGS, fresh=True) as stack:
        url = stack.stores.database_url
        with (
            http_client(stack.api_url, timeout=3600) as client,
            MemoryWatch(stack.services["campaign-api"].child) as rss,
        ):
            turns: dict[str, Callable[[], None]] = {
                "leopard": lambda: import_file(client, file),
                "bare COPY": lambda: bare_copy(url, file),
                "ORM, 1,000 rows": lambda: orm_upsert(url, file),
            }
            for _ in range(run.sizes.repeats):
                for name, turn in turns.items():
                    _empty(url)
                    began = time.monotonic()
                    turn()
                    seconds[name].append(time.monotonic() - began)
                    run.report.say(f"   {name}: {run.sizes.imported / seconds[name][-1]:,.0f} rows/s")
                    _check(url, run.sizes.imported)
    rates = {name: run.sizes.imported / median(taken) for name, taken in seconds.items()}
    run.report.keep("import, rows/s", rates)
    run.report.table(f"import of {run.sizes.imported:,} rows", ("", "rows/s"), list(rates.items()))
    run.ratios["import / bare COPY"] = rates["leopard"] / rates["bare COPY"], f">= {LEAST_OF_BARE}"
    run.ratios["import / ORM's bulk upsert"] = rates["leopard"] / rates["ORM, 1,000 rows"], ">= 5"
    run.ratios["API's highest RSS while importing, MB"] = rss.highest_mb, f"< {MOST_RSS_MB}"
    _beside_a_campaign(run)


def _beside_a_campaign(run: Run) -> None:
    customers = run.sizes.system
    alone, beside = [], []
    for _ in range(run.sizes.repeats):
        with running_stack(run.folder / "system", packages=run.packages, settings=SETTINGS, fresh=True) as stack:
            ensure_customers(stack.stores.database_url, customers)
            file = run.folder / "others.csv"
            write_file(file, 10 * customers, first=1)
            with http_client(stack.api_url, timeout=3600) as client:
                send(client, stack, [1])
                ids = list(range(1, customers + 1))
                alone.append(customers / send(client, stack, ids))
                with _importing_forever(stack, file) as imported:
                    beside.append(customers / send(client, stack, ids))
                    assert imported.rows() > 0
    run.ratios["rate of a campaign during an import / alone"] = median(beside) / median(alone), ">= 0.7"


class _importing_forever:  # noqa: N801 a context manager
    """Import a file while the block runs, and cancel the import at its end."""

    def __init__(self, stack: Stack, file: Path) -> None:
        self._client = http_client(stack.api_url, timeout=3600)
        self._thread = threading.Thread(target=self._import, args=(file,))

    def _import(self, file: Path) -> None:
        self._client.post("/customers/import", content=parts_of(file), headers={"content-type": "text/csv"})

    def rows(self) -> int:
        """Rows that are done."""
        return int(self._newest()["rows"])

    def _newest(self) -> dict[str, int]:
        newest: dict[str, int] = self._client.get("/imports").raise_for_status().json()["imports"][0]
        return newest

    def __enter__(self) -> Self:
        self._thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.post(f"/imports/{self._newest()['id']}/cancel")
        self._thread.join()
        self._client.close()


def _empty(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE customers, customer_fields, customer_field_counts RESTART IDENTITY CASCADE")
        connection.execute("CHECKPOINT")


def _check(database_url: str, rows: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM customers WHERE attributes ? 'tier' AND time_zone = 'Africa/Nairobi'"
        ).fetchone()
    assert found == (rows,), found
