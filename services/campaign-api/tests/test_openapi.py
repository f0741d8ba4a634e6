"""The OpenAPI document is committed, breaks no client of the last release, and has working examples."""

import re
from typing import Any

import httpx2
import pytest

from api_contract.compatibility import breaking_changes
from api_contract.document import FILE, application_document, as_text, committed_text, released_document
from leopard.db.pool import Connection
from support.factories import add_customers


def resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def examples_of(body: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    if "examples" in body:
        return [example["value"] for example in body["examples"].values()]
    fields = resolve(body["schema"], document)["properties"]
    return [{name: field["examples"][0] for name, field in fields.items()}]


def test_the_committed_document_matches_the_application() -> None:
    assert committed_text() == as_text(application_document()), f"{FILE} is out of date: run `make openapi`"


def test_no_client_of_the_last_release_breaks() -> None:
    assert breaking_changes(released_document(), application_document()) == []


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
            content = operation["requestBody"]["content"]
            files = {media_type: body["example"] for media_type, body in content.items() if "example" in body}
            for media_type, file in files.items():
                answer = await client.request(method, path, content=file, headers={"content-type": media_type})
                assert answer.is_success, (method, path, answer.text)
                tried.add((method, path))
            for example in [] if files else examples_of(content["application/json"], document):
                campaign = {"name": "a", "channel": "sms", "base_template": "Hi", "audience": {"all": True}}
                created = await client.post("/campaigns", json=campaign)
                url = path.replace("{campaign_id}", str(created.json()["id"]))
                url = url.replace("{customer_id}", "1").replace("{segment_id}", "1")
                answer = await client.request(method, url, json=example)
                assert answer.is_success, (method, path, answer.text)
                tried.add((method, path))
    assert len(tried) == 13


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = application_document()["paths"]
    return [(f"{method} {path}", operation) for path, item in paths.items() for method, operation in item.items()]


@pytest.mark.parametrize(("name", "operation"), operations(), ids=[name for name, _ in operations()])
def test_an_operation_documents_itself_and_its_errors(name: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert {"400", "500", "503", "default"} <= responses.keys()
    assert "422" not in responses, name
    if "requestBody" in operation:
        assert {"413", "415"} <= responses.keys()
    for status, response in responses.items():
        assert response["description"] not in {"", "Successful Response"}, status
        if not status.startswith("2"):
            assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
    assert re.fullmatch(
        r"(create|list|get|update|delete|send|pause|resume|cancel|preview|dry_run|import|export|estimate|validate)"
        r"_[a-z_]+",
        operation["operationId"],
    )
    assert operation["summary"]
    assert operation["description"]
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]


def test_every_field_is_described() -> None:
    schemas = application_document()["components"]["schemas"]
    assert [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ] == []
