"""A dry run renders a whole audience, sends nothing, shows its progress and can be ended."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from psycopg.types.json import Jsonb

from campaign_api.dry_runs import routes, running
from campaign_api.dry_runs.rendering import AudienceRenderer
from leopard.db.pool import Connection
from leopard.personalization.model import Personalization, Variant
from leopard.personalization.rendering import MessageTemplates
from support.factories import add_campaign, add_customers, rows, until

PRICES = {"currency": "KES", "prefixes": {"+254": "0.80"}}


async def personalize(
    connection: Connection,
    campaign_id: int,
    personalization: Personalization,
    *,
    bounds: list[float] | None = None,
    holdout: float = 0,
) -> None:
    await connection.execute(
        "UPDATE campaigns SET personalization = %s, variant_bounds = %s, holdout_share = %s WHERE id = %s",
        [Jsonb(personalization.stored()), bounds, holdout, campaign_id],
    )


async def dry_run(client: httpx2.AsyncClient, campaign_id: int, **request: Any) -> httpx2.Response:
    return await client.post(f"/campaigns/{campaign_id}/dry-run", json=request)


async def test_a_dry_run_counts_the_messages_of_an_audience(client: httpx2.AsyncClient, connection: Connection) -> None:
    ids = await add_customers(connection, 50)
    await connection.execute("UPDATE customers SET first_name = NULL WHERE id = ANY(%s)", [ids[:7]])
    await connection.execute("UPDATE customers SET first_name = 'Жанна' WHERE id = ANY(%s)", [ids[7:10]])
    await connection.execute("UPDATE customers SET first_name = repeat('x', 161) WHERE id = %s", [ids[10]])
    campaign_id = await add_campaign(connection, status="draft", template="{first_name}")
    answer = await dry_run(client, campaign_id, audience={"all": True}, prices=PRICES)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert answer.headers["location"] == f"/dry-runs/{done['id']}"
    assert (done["status"], done["recipients"], done["rendered"], done["problem"]) == ("done", 50, 50, None)
    report = done["report"]
    assert (report["recipients"], report["messages"], report["empty"], report["failed"]) == (50, 43, 7, 0)
    assert report["sms"] == {
        "segments": 44,
        "distribution": [{"segments": 1, "messages": 42}, {"segments": 2, "messages": 1}],
        "gsm7": 40,
        "ucs2": 3,
    }
    assert report["cost"]["total"] == "35.20"
    assert report["longest"]["customer_id"] == ids[10]
    assert report["longest"]["sms"] == {"encoding": "gsm7", "units": 161, "segments": 2}
    assert len(report["samples"]) == 20
    assert (await client.get(f"/dry-runs/{done['id']}")).json() == done
    assert await rows(connection, "SELECT FROM outbound_messages") == []


async def test_languages_variants_and_the_hold_out_have_their_shares(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    ids = await add_customers(connection, 300)
    await connection.execute("UPDATE customers SET preferred_language = 'sw-KE' WHERE id % 3 = 0")
    variants = [
        Variant(name="a", weight=1, base_template="A {first_name}", templates={"sw": "A sw {first_name}"}),
        Variant(name="b", weight=1, base_template="B {first_name}"),
    ]
    campaign_id = await add_campaign(connection, status="draft")
    await personalize(connection, campaign_id, Personalization(variants=variants), bounds=[0.0, 0.5], holdout=0.2)
    report = (await dry_run(client, campaign_id, audience={"all": True})).json()["report"]
    assert report["held_out"] + report["messages"] == len(ids)
    assert 30 <= report["held_out"] <= 90
    counted = {one["variant"]: one["messages"] for one in report["variants"]}
    assert sum(counted.values()) == report["messages"]
    assert min(counted.values()) > 80
    languages = {one["language"]: one["messages"] for one in report["languages"]}
    assert sum(languages.values()) == report["messages"]
    assert 20 <= languages["sw"] <= 70
    for sample in report["samples"]:
        assert sample["text"].startswith("A " if sample["variant"] == "a" else "B ")
        assert (sample["language"] == "sw") == sample["text"].startswith("A sw")


async def test_a_message_that_cannot_be_rendered_is_counted_with_its_reason(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    ids = await add_customers(connection, 10)
    await connection.execute("UPDATE customers SET preferred_language = 'de' WHERE id = ANY(%s)", [ids[:3]])
    campaign_id = await add_campaign(connection, status="draft")
    await personalize(connection, campaign_id, Personalization(templates={"de": "Hallo {first_name|nonsense}"}))
    report = (await dry_run(client, campaign_id, audience={"all": True})).json()["report"]
    assert (report["messages"], report["failed"]) == (7, 3)
    [failure] = report["failures"]
    assert failure["messages"] == 3
    assert failure["customer_ids"] == ids[:3]
    assert "nonsense" in failure["reason"]


async def test_a_defect_of_rendering_fails_the_messages_and_not_the_dry_run(
    client: httpx2.AsyncClient, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(*_: object) -> None:
        raise ZeroDivisionError

    await add_customers(connection, 3)
    campaign_id = await add_campaign(connection, status="draft")
    monkeypatch.setattr(MessageTemplates, "render", defective)
    report = (await dry_run(client, campaign_id, audience={"all": True})).json()["report"]
    [failure] = report["failures"]
    assert (failure["messages"], failure["reason"]) == (3, "the template cannot be rendered: ZeroDivisionError")


async def test_rich_content_that_breaks_a_limit_is_counted_and_the_rest_is_shown(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    ids = await add_customers(connection, 6)
    await connection.execute("UPDATE customers SET location = repeat('x', 61) WHERE id = %s", [ids[0]])
    content = {"header": {"type": "text", "text": "{location}"}, "body": "Hi {first_name}"}
    campaign = {"name": "rich", "channel": "whatsapp", "content": content}
    created = (await client.post("/campaigns", json=campaign)).json()
    answer = await dry_run(client, created["id"], audience={"all": True}, prices={"currency": "EUR", "default": 0.07})
    report = answer.json()["report"]
    assert (report["messages"], report["failed"], report["sms"]) == (5, 1, None)
    [failure] = report["failures"]
    assert failure["customer_ids"] == [ids[0]]
    assert failure["reason"].startswith("the message cannot be sent to this recipient: content.header")
    assert report["cost"]["total"] == "0.35"
    for sample in report["samples"]:
        preview = {"customer_id": sample["customer_id"]}
        shown = (await client.post(f"/campaigns/{created['id']}/personalized-preview", json=preview)).json()
        assert (sample["text"], sample["content"]) == (shown["rendered_message"], shown["content"])


async def test_recipients_are_those_of_the_request_or_else_of_the_campaign(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    ids = await add_customers(connection, 30)
    campaign_id = await add_campaign(connection, status="draft")
    without = await dry_run(client, campaign_id)
    assert without.status_code == 400
    assert "has no audience" in without.json()["error"]["message"]
    named = await dry_run(client, campaign_id, customer_ids=[*ids[:3], ids[0], 10**6])
    assert named.json()["report"]["recipients"] == 3
    await connection.execute("""UPDATE campaigns SET audience = '{"all": true, "limit": 4}'""")
    stored = [(await dry_run(client, campaign_id)).json()["report"] for _ in range(2)]
    assert [report["recipients"] for report in stored] == [4, 4]
    assert stored[0]["samples"] == stored[1]["samples"]
    both = await dry_run(client, campaign_id, customer_ids=[1], audience={"all": True})
    assert both.json()["error"]["code"] == "INVALID_REQUEST"
    segment = await dry_run(client, campaign_id, audience={"segment": 99})
    assert segment.json()["error"]["code"] == "SEGMENT_NOT_FOUND"
    assert (await dry_run(client, 999, audience={"all": True})).json()["error"]["code"] == "CAMPAIGN_NOT_FOUND"


async def test_an_empty_audience_has_an_empty_report(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    report = (await dry_run(client, campaign_id, audience={"all": True}, prices=PRICES)).json()["report"]
    assert (report["recipients"], report["messages"], report["longest"], report["samples"]) == (0, 0, None, [])
    assert report["cost"]["total"] == "0"


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dry runs that are answered before their end, and report often."""
    render = AudienceRenderer.render

    def slow(renderer: AudienceRenderer, batch: list[tuple[Any, ...]]) -> None:
        time.sleep(0.3)
        render(renderer, batch)

    monkeypatch.setattr(AudienceRenderer, "render", slow)
    monkeypatch.setattr(routes, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(running, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(running, "_ROWS", 20)


@pytest.mark.usefixtures("slowly")
async def test_a_long_dry_run_goes_on_after_its_answer(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 100)
    campaign_id = await add_campaign(connection, status="draft")
    answer = await dry_run(client, campaign_id, audience={"all": True})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    path = answer.headers["location"]
    seen = set()

    async def ended() -> bool:
        found = (await client.get(path)).json()
        seen.add((found["recipients"], found["rendered"]))
        return bool(found["status"] == "done")

    await until(ended)
    assert {(100, 20), (100, 40), (100, 100)} <= seen


@pytest.mark.usefixtures("slowly")
async def test_a_running_dry_run_can_be_cancelled(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 1000)
    campaign_id = await add_campaign(connection, status="draft")
    path = (await dry_run(client, campaign_id, audience={"all": True})).headers["location"]
    cancelled = await client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = await client.post(f"{path}/cancel")
    assert again.json()["error"]["code"] == "INVALID_STATUS"

    async def ended() -> bool:
        return not [task for task in asyncio.all_tasks() if "dry run" in task.get_name()]

    await until(ended, seconds=3)
    found = (await client.get(path)).json()
    assert (found["status"], found["report"], found["finished_at"] is not None) == ("cancelled", None, True)
    assert found["rendered"] < 1000


@pytest.mark.usefixtures("slowly")
async def test_a_dry_run_ends_where_its_campaign_is_deleted(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 1000)
    campaign_id = await add_campaign(connection, status="draft")
    path = (await dry_run(client, campaign_id, audience={"all": True})).headers["location"]
    assert (await client.delete(f"/campaigns/{campaign_id}")).status_code == 204

    async def ended() -> bool:
        return not [task for task in asyncio.all_tasks() if "dry run" in task.get_name()]

    await until(ended, seconds=3)
    assert (await client.get(path)).json()["error"]["code"] == "DRY_RUN_NOT_FOUND"


@pytest.mark.usefixtures("slowly")
async def test_the_end_of_the_process_interrupts_a_dry_run(app: FastAPI, connection: Connection) -> None:
    await add_customers(connection, 1000)
    campaign_id = await add_campaign(connection, status="draft")
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://leopard") as client:
            assert (await dry_run(client, campaign_id, audience={"all": True})).status_code == 202
    [found] = await rows(connection, "SELECT status, problem, finished_at FROM dry_runs")
    assert (found["status"], found["problem"]) == ("interrupted", "The service ended it")
    assert found["finished_at"]
