"""The documentation's examples work when they are tried."""

from typing import Any

import httpx2

from leopard.db.pool import Connection
from support.factories import add_customers


def resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def example_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: field["examples"][0] for name, field in schema["properties"].items()}


async def test_every_request_body_has_an_example_that_is_accepted(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    document = (await client.get("/openapi.json")).json()
    tried = set()
    await add_customers(connection, 3)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" not in operation:
                continue
            schema = resolve(operation["requestBody"]["content"]["application/json"]["schema"], document)
            await client.post("/campaigns", json={"name": "a", "channel": "sms", "base_template": "Hi"})
            newest = (await client.get("/campaigns")).json()["campaigns"][0]["id"]
            url = path.replace("{campaign_id}", str(newest)).replace("{customer_id}", "1")
            answer = await client.request(method, url, json=example_of(schema))
            assert answer.is_success, (method, path, answer.text)
            tried.add((method, path))
    assert len(tried) == 6


async def test_every_operation_says_how_it_fails(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"]["503"]["description"] == "UNAVAILABLE", (method, path)
