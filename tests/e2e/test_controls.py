"""A campaign can be paused, resumed and cancelled while it is sending. Large campaigns do not block small ones."""

import time

import httpx2

from e2e.campaigns import all_messages, create_campaign, create_customers, wait_until_finished


def start_campaign(client: httpx2.Client, customers: list[int]) -> int:
    campaign_id = create_campaign(client)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    return campaign_id


def stats(client: httpx2.Client, campaign_id: int) -> dict[str, int]:
    found: dict[str, int] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["stats"]
    return found


def wait_until_sending(client: httpx2.Client, campaign_id: int) -> None:
    deadline = time.monotonic() + 30
    while stats(client, campaign_id)["sent"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(client: httpx2.Client) -> None:
    customers = create_customers(client, 600)
    campaign_id = start_campaign(client, customers)
    wait_until_sending(client, campaign_id)
    assert client.post(f"/campaigns/{campaign_id}/pause").json()["status"] == "paused"
    time.sleep(2)
    before = stats(client, campaign_id)
    time.sleep(1)
    assert stats(client, campaign_id) == before
    assert client.post(f"/campaigns/{campaign_id}/resume").json()["status"] == "sending"
    campaign = wait_until_finished(client, campaign_id)
    assert campaign["stats"]["total"] == 600
    assert sorted(message["customer_id"] for message in all_messages(client, campaign_id)) == customers


def test_a_cancelled_campaign_stops_sending(client: httpx2.Client) -> None:
    customers = create_customers(client, 1000)
    campaign_id = start_campaign(client, customers)
    wait_until_sending(client, campaign_id)
    assert client.post(f"/campaigns/{campaign_id}/cancel").json()["status"] == "cancelled"
    deadline = time.monotonic() + 30
    while (found := stats(client, campaign_id))["pending"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    time.sleep(2)
    assert stats(client, campaign_id) == found
    assert found["total"] == found["sent"] + found["failed"]
    assert found["total"] + found["cancelled"] == 1000
    statuses = [message["status"] for message in all_messages(client, campaign_id)]
    assert statuses.count("sent") == found["sent"]
    assert statuses.count("cancelled") == found["cancelled"]
    assert client.post(f"/campaigns/{campaign_id}/resume").json()["error"]["code"] == "INVALID_STATUS"


def test_a_cancelled_campaign_to_an_audience_finishes(client: httpx2.Client) -> None:
    create_customers(client, 50, location="Cancelled Town")
    campaign_id = create_campaign(client)
    audience = {"filter": {"location": "Cancelled Town"}}
    client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}).raise_for_status()
    client.post(f"/campaigns/{campaign_id}/cancel").raise_for_status()
    deadline = time.monotonic() + 30
    while (found := stats(client, campaign_id))["pending"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    assert found["total"] + found["cancelled"] >= 50


def test_a_small_campaign_behind_large_ones_finishes_within_seconds(client: httpx2.Client) -> None:
    customers = create_customers(client, 400)
    large = [start_campaign(client, customers) for _ in range(8)]
    small = start_campaign(client, customers[:10])
    # its retries may wait for one or two seconds
    wait_until_finished(client, small, seconds=15)
    for campaign_id in large:
        assert wait_until_finished(client, campaign_id)["stats"]["total"] == 400
