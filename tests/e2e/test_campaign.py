"""Campaigns work from creation to the last message, through the public API."""

import random
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from e2e.campaigns import all_messages, create_campaign, create_customers, wait_until_finished
from leopard.cli.main import main


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_campaign_to_customer_ids_is_sent(client: httpx2.Client, channel: str) -> None:
    customers = create_customers(client, 200)
    campaign_id = create_campaign(client, channel=channel)
    answer = client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers})
    assert answer.json() == {"campaign_id": campaign_id, "messages_queued": 200, "status": "sending"}
    campaign = wait_until_finished(client, campaign_id)
    messages = all_messages(client, campaign_id)
    assert campaign["status"] == "sent"
    assert campaign["stats"]["total"] == 200
    assert campaign["stats"]["pending"] == 0
    assert sorted(message["customer_id"] for message in messages) == customers
    assert sum(message["status"] == "sent" for message in messages) == campaign["stats"]["sent"]
    assert {m["rendered_content"] for m in messages} == {f"Hi Customer {n}" for n in range(200)}


def test_a_campaign_to_an_audience_is_sent(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 120, location=place)
    create_customers(client, 5)
    campaign_id = create_campaign(client)
    answer = client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"filter": {"location": place}}})
    assert answer.json()["messages_queued"] == 120
    wait_until_finished(client, campaign_id)
    assert sorted(message["customer_id"] for message in all_messages(client, campaign_id)) == customers


def test_a_scheduled_campaign_starts_when_it_is_due(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 10, location=place)
    due = datetime.now(UTC) + timedelta(seconds=3)
    audience = {"filter": {"location": place}}
    campaign_id = create_campaign(client, scheduled_at=due.isoformat(), audience=audience)
    assert client.get(f"/campaigns/{campaign_id}").json()["status"] == "scheduled"
    wait_until_finished(client, campaign_id)
    assert sorted(message["customer_id"] for message in all_messages(client, campaign_id)) == customers
    assert datetime.now(UTC) >= due


def test_a_preview_shows_the_text_that_is_sent(client: httpx2.Client) -> None:
    [customer] = create_customers(client, 1, location="{first_name}\n\t👋🏾")
    template = "Hi {first_name}, {location} {nickname}\u200d {last_name}{{phone}}"
    campaign_id = create_campaign(client, base_template=template)
    preview = client.post(f"/campaigns/{campaign_id}/personalized-preview", json={"customer_id": customer}).json()
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": [customer]}).raise_for_status()
    wait_until_finished(client, campaign_id)
    [message] = all_messages(client, campaign_id)
    assert message["rendered_content"] == preview["rendered_message"]


def test_a_customer_deleted_during_a_campaign_does_not_block_it(client: httpx2.Client) -> None:
    customers = create_customers(client, 300)
    campaign_id = create_campaign(client)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    for customer in customers[::10]:
        client.delete(f"/customers/{customer}").raise_for_status()
    campaign = wait_until_finished(client, campaign_id)
    messages = all_messages(client, campaign_id)
    assert len(messages) == 270 == campaign["stats"]["total"]
    assert campaign["stats"]["sent"] == sum(message["status"] == "sent" for message in messages)


def test_health_reports_connected_stores(client: httpx2.Client) -> None:
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json()["services"] == {"database": "connected", "queue": "connected"}


def test_the_smoke_test_succeeds(base_url: str) -> None:
    assert main(["smoke-test", base_url]) == 0
