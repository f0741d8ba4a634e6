"""Every error answer has the same body format, and shows no internals."""

import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_api.dependencies import Resources
from leopard.db.pool import Connection
from support.factories import add_campaign, until

JSON = {"content-type": "application/json"}
NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi"}


def assert_error(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) <= {"code", "message", "details"}
    assert error["code"] == code
    assert error["message"]
    for detail in error.get("details", []):
        assert set(detail) - {"line", "column", "picture", "nearest"} == {"field", "message"}
    return error


@pytest.mark.parametrize("path", ["/", "/nothing", "/campaigns/", "/campaigns/1/nothing", "/health/"])
async def test_an_unknown_path_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    assert_error(await client.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/campaigns", "GET, POST"),
        ("DELETE", "/campaigns", "GET, POST"),
        ("POST", "/campaigns/1", "GET, PATCH, DELETE"),
        ("OPTIONS", "/campaigns/1", "GET, PATCH, DELETE"),
        ("GET", "/campaigns/1/send", "POST"),
        ("POST", "/campaigns/1/messages", "GET"),
        ("PUT", "/customers", "GET, POST"),
        ("POST", "/customers/1", "GET, PATCH, DELETE"),
        ("POST", "/health", "GET, HEAD"),
        ("BREW", "/campaigns", "GET, POST"),
    ],
)
async def test_a_wrong_method_is_refused_with_the_allowed_methods(
    client: httpx2.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("campaign_id", ["0", "-1", "abc", "1.5", "1e3", "%00", "١", "+1", "null"])
async def test_an_id_that_is_not_a_positive_integer_is_refused(client: httpx2.AsyncClient, campaign_id: str) -> None:
    assert_error(await client.get(f"/campaigns/{campaign_id}"), 400, "INVALID_REQUEST")
    assert_error(await client.get(f"/customers/{campaign_id}"), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "digits", ["999", str(2**63 - 1), str(2**63), str(2**64), "9" * 50, "9" * 5000], ids=lambda digits: f"{digits:.20}"
)
async def test_an_unknown_id_is_not_found(client: httpx2.AsyncClient, digits: str) -> None:
    assert_error(await client.get(f"/campaigns/{digits}"), 404, "CAMPAIGN_NOT_FOUND")
    assert_error(await client.get(f"/customers/{digits}"), 404, "CUSTOMER_NOT_FOUND")
    assert_error(await client.delete(f"/campaigns/{digits}"), 404, "CAMPAIGN_NOT_FOUND")
    assert_error(await client.post(f"/campaigns/{digits}/send", json={"customer_ids": [1]}), 404, "CAMPAIGN_NOT_FOUND")
    assert_error(await client.get(f"/campaigns/{digits}/messages"), 404, "CAMPAIGN_NOT_FOUND")


async def test_the_example_of_the_contract(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/campaigns/999")
    assert answer.json() == {"error": {"code": "CAMPAIGN_NOT_FOUND", "message": "Campaign 999 not found"}}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"name": }', b"\xff\xfe", b"[" * 100_000, b'{"name": ' + b"9" * 5000 + b"}", b"nul", b'"\\ud800"'],
)
@pytest.mark.parametrize("headers", [JSON, {}])
async def test_a_body_that_is_not_json_is_refused(
    client: httpx2.AsyncClient, body: bytes, headers: dict[str, str]
) -> None:
    assert_error(await client.post("/campaigns", content=body, headers=headers), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"channel": "email"}, "channel"),
        ({"channel": None}, "channel"),
        ({"base_template": ""}, "base_template"),
        ({"base_template": ["Hi"]}, "base_template"),
        ({"base_template": "a\0b"}, "base_template"),
        ({"base_template": "x" * 10_001}, "base_template"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"scheduled_at": "2099-01-01T00:00:00"}, "scheduled_at"),
        ({"scheduled_at": 4_000_000_000}, "scheduled_at"),
        ({"scheduled_at": "9999-12-31T23:59:59-12:00"}, "scheduled_at"),
        ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, "scheduled_at"),
        ({"audience": {"everyone": True}}, "audience.everyone"),
    ],
)
async def test_a_wrong_field_is_reported(client: httpx2.AsyncClient, fields: dict[str, Any], named: str) -> None:
    content = json.dumps({**NEW, **fields}).encode()
    error = assert_error(await client.post("/campaigns", content=content, headers=JSON), 400, "INVALID_REQUEST")
    assert named in [detail["field"] for detail in error["details"]]


async def test_the_error_of_a_template_gives_the_position(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/campaigns", json={**NEW, "base_template": "Hi\n{first_name"})
    error = assert_error(answer, 400, "INVALID_TEMPLATE")
    assert "line 2, column 1" in error["message"]
    [detail] = error["details"]
    assert (detail["line"], detail["column"], detail["picture"]) == (2, 1, "{first_name\n^")


async def test_a_template_of_five_megabytes_is_too_large(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/campaigns", json={**NEW, "base_template": "x" * 5_000_000})
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


async def test_a_large_body_without_a_declared_length_is_too_large(client: httpx2.AsyncClient) -> None:
    async def stream() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    assert_error(await client.post("/campaigns", content=stream(), headers=JSON), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"]
)
async def test_a_body_of_another_media_type_is_refused(client: httpx2.AsyncClient, media_type: str) -> None:
    answer = await client.post("/campaigns", content=b"{}", headers={"content-type": media_type})
    assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"]
)
async def test_every_json_media_type_is_accepted(client: httpx2.AsyncClient, media_type: str) -> None:
    answer = await client.post(
        "/campaigns", content=b'{"name":"a","channel":"sms","base_template":"b"}', headers={"content-type": media_type}
    )
    assert answer.status_code == 201


@pytest.mark.expects_tracebacks
async def test_an_unexpected_error_shows_no_internals(client: httpx2.AsyncClient, connection: Connection) -> None:
    await connection.execute("ALTER TABLE campaigns RENAME COLUMN base_template TO secret_name")
    answer = await client.get("/campaigns/1")
    error = assert_error(answer, 500, "INTERNAL_ERROR")
    assert error == {"code": "INTERNAL_ERROR", "message": "Something went wrong on our side"}


async def test_an_unavailable_database_is_answered_with_503(client: httpx2.AsyncClient, app: FastAPI) -> None:
    resources: Resources = app.state.resources
    await resources.pool.close()
    error = assert_error(await client.get("/campaigns/1"), 503, "UNAVAILABLE")
    assert "postgres" not in error["message"].lower()


async def test_an_unavailable_broker_is_reported_only_by_health(client: httpx2.AsyncClient) -> None:
    async def database_is_connected() -> bool:
        return bool((await client.get("/health")).json()["services"]["database"] == "connected")

    await until(database_is_connected)
    health = await client.get("/health")
    assert health.status_code == 503
    assert health.json()["services"] == {"database": "connected", "queue": "disconnected"}
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_show_routes_and_never_paths(client: httpx2.AsyncClient) -> None:
    await client.get("/campaigns/424242")
    await client.get("/no/such/path/424242")
    text = (await client.get("/metrics")).text
    assert 'route="/campaigns/{campaign_id}",status_code="404"' in text
    assert "424242" not in text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "name", "channel", "base_template", "scheduled_at", "audience", "customer_ids", "customer_id", "override_template",
    "phone", "first_name",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_json_body_causes_an_internal_error(
    client: httpx2.AsyncClient, connection: Connection, data: st.DataObject
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    method, path = data.draw(
        st.sampled_from(
            [
                ("POST", "/campaigns"),
                ("PATCH", f"/campaigns/{campaign_id}"),
                ("POST", f"/campaigns/{campaign_id}/send"),
                ("POST", f"/campaigns/{campaign_id}/personalized-preview"),
                ("POST", "/customers"),
            ]
        )
    )
    body = data.draw(json_values | st.dictionaries(st.sampled_from(FIELDS), json_values))
    answer = await client.request(method, path, content=json.dumps(body).encode(), headers=JSON)
    if not answer.is_success:
        assert_error(answer, answer.status_code, answer.json()["error"]["code"])
        assert answer.status_code in {400, 404}
