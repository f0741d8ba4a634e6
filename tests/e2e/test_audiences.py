"""Segments and filters select the recipients of a campaign, and the send fixes them, through the public API."""

import random

import httpx2

from e2e.campaigns import all_messages, create_campaign, create_customers, wait_until_finished


def recipients(client: httpx2.Client, campaign_id: int) -> list[int]:
    wait_until_finished(client, campaign_id)
    return sorted(message["customer_id"] for message in all_messages(client, campaign_id))


def set_attributes(client: httpx2.Client, customers: list[int], **attributes: object) -> None:
    for customer in customers:
        client.patch(f"/customers/{customer}", json={"attributes": attributes}).raise_for_status()


def test_a_segment_with_exclusions_is_estimated_and_sent_to(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 40, location=place)
    set_attributes(client, customers[:30], e2e_points=150, e2e_tags=["vip", "running"])
    set_attributes(client, customers[30:], e2e_points=50)
    filter_ = {"all": [{"field": "location", "equal": place}, {"field": "e2e_points", ">=": 100}]}
    segment = client.post("/segments", json={"name": place, "filter": filter_}).raise_for_status().json()
    audience = {"segment": segment["id"], "exclude": {"customer_ids": customers[:5]}}
    estimate = client.post("/audiences/estimate", json={"audience": audience}).raise_for_status().json()
    assert (estimate["count"], estimate["exact"]) == (25, True)
    assert estimate["empty_fields"]["last_name"] == 25
    assert {example["location"] for example in estimate["examples"]} == {place}
    campaign_id = create_campaign(client)
    sent = client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}).raise_for_status().json()
    assert sent["messages_queued"] == 25
    assert recipients(client, campaign_id) == customers[5:30]
    again = {"filter": {"all": [filter_, {"not": {"received": {"campaign_id": campaign_id}}}]}}
    second = create_campaign(client)
    client.post(f"/campaigns/{second}/send", json={"audience": again}).raise_for_status()
    assert recipients(client, second) == customers[:5]


def test_customers_who_change_after_the_send_neither_join_nor_leave(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 60, location=place)
    others = create_customers(client, 3)
    campaign_id = create_campaign(client)
    audience = {"filter": {"field": "location", "equal": place}}
    client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}).raise_for_status()
    create_customers(client, 3, location=place)
    for customer, location in ((customers[-1], "elsewhere"), *((other, place) for other in others)):
        client.patch(f"/customers/{customer}", json={"location": location}).raise_for_status()
    assert recipients(client, campaign_id) == customers


def test_a_limit_sends_to_a_sample(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 30, location=place)
    campaign_id = create_campaign(client)
    audience = {"filter": {"location": place}, "limit": 10}
    sent = client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}).raise_for_status().json()
    assert sent["messages_queued"] == 10
    found = recipients(client, campaign_id)
    assert len(found) == 10
    assert set(found) < set(customers)
