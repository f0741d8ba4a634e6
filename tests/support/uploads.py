"""Upload files of customers, and read what became of them."""

from typing import Any

import httpx2

from leopard.db.pool import Connection
from support.factories import rows

HEADER = b"phone,first_name,points\n"
COUNTS = ("created", "updated", "unchanged", "rejected", "duplicates")


async def upload(client: httpx2.AsyncClient, content: Any, **query: Any) -> httpx2.Response:
    headers = query.pop("headers", {"content-type": "text/csv"})
    return await client.post("/customers/import", content=content, params=query, headers=headers)


def counts_of(answer: httpx2.Response) -> dict[str, int]:
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert sum(body[name] for name in COUNTS) == body["rows"]
    return {name: body[name] for name in COUNTS if body[name]}


async def stored(connection: Connection) -> dict[str, dict[str, Any]]:
    found = await rows(connection, "SELECT * FROM customers ORDER BY phone")
    return {
        row["phone"]: {
            name: value
            for name, value in row.items()
            if value and name not in {"id", "phone", "created_at", "updated_at"}
        }
        for row in found
    }
