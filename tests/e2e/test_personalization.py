"""Filters, conditions, languages, variants and the hold-out, from the template to the message through the API."""

import random
from typing import Any

import httpx2
import pytest

from e2e.campaigns import all_messages, create_campaign, create_customers, wait_until_finished

GREETING = (
    '{{if e2e_points >= 100}}{first_name|uppercase}, {e2e_points|number}{{else}}Hi {last_name|default:"friend"}{{end}}'
)


def customers_of_many_kinds(client: httpx2.Client, count: int) -> list[int]:
    customers = create_customers(client, count)
    languages = ("en-KE", "sw-KE", "de", None)
    for index, customer in enumerate(customers):
        change = {"preferred_language": languages[index % 4], "attributes": {"e2e_points": index * 700 % 3000}}
        client.patch(f"/customers/{customer}", json=change).raise_for_status()
    return customers


def previews(client: httpx2.Client, campaign_id: int, customers: list[int]) -> dict[int, dict[str, Any]]:
    url = f"/campaigns/{campaign_id}/personalized-preview"
    return {
        customer: client.post(url, json={"customer_id": customer}).raise_for_status().json() for customer in customers
    }


def test_every_message_equals_its_preview(client: httpx2.Client) -> None:
    customers = customers_of_many_kinds(client, 60)
    campaign_id = create_campaign(
        client,
        variants=[
            {"name": "short", "weight": 1, "base_template": GREETING, "templates": {"sw": "Habari {first_name}"}},
            {"name": "long", "weight": 2, "base_template": "Dear {first_name}, {e2e_points} {nickname}"},
        ],
        holdout_percent=20,
    )
    expected = previews(client, campaign_id, customers)
    held_out = {customer for customer, preview in expected.items() if preview.get("held_out")}
    sent = client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status().json()
    assert sent["messages_queued"] == len(customers) - len(held_out)
    campaign = wait_until_finished(client, campaign_id)
    messages = all_messages(client, campaign_id)
    assert {message["customer_id"] for message in messages} == set(customers) - held_out
    for message in messages:
        preview = expected[message["customer_id"]]
        assert message["rendered_content"] == preview["rendered_message"]
        assert (message["variant"], message["sms"]) == (preview["variant"], preview["sms"])
    assert campaign["stats"].get("held_out", 0) == len(held_out)
    by_name = {variant["name"]: variant for variant in campaign["stats"]["variants"]}
    for name, variant in by_name.items():
        assert variant["total"] == sum(message["variant"] == name for message in messages)
        assert variant["sent"] + variant["failed"] == variant["total"]
    assert sum(variant["total"] for variant in by_name.values()) == campaign["stats"]["total"]
    [comparison] = campaign["comparisons"]
    assert comparison["variants"] == ["short", "long"]


@pytest.mark.parametrize("audience", [True, False])
def test_an_audience_and_named_customers_are_divided_alike(client: httpx2.Client, *, audience: bool) -> None:
    place = f"Place {random.random()}"
    customers = create_customers(client, 50, location=place)
    campaign_id = create_campaign(
        client,
        variants=[{"name": name, "base_template": f"{name} {{first_name}}"} for name in ("a", "b", "c")],
        holdout_percent=50,
    )
    expected = previews(client, campaign_id, customers)
    recipients = {"audience": {"filter": {"location": place}}} if audience else {"customer_ids": customers}
    client.post(f"/campaigns/{campaign_id}/send", json=recipients).raise_for_status()
    campaign = wait_until_finished(client, campaign_id)
    variants = {message["customer_id"]: message["variant"] for message in all_messages(client, campaign_id)}
    assert variants == {
        customer: preview["variant"] for customer, preview in expected.items() if not preview.get("held_out")
    }
    assert campaign["stats"]["held_out"] == len(customers) - len(variants)


def test_languages_choose_the_template_and_the_format_of_numbers(client: httpx2.Client) -> None:
    customers = customers_of_many_kinds(client, 8)
    campaign_id = create_campaign(
        client, base_template="Points: {e2e_points|number}", templates={"sw": "Pointi: {e2e_points|number}"}
    )
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_finished(client, campaign_id)
    texts = {message["customer_id"]: message["rendered_content"] for message in all_messages(client, campaign_id)}
    assert [texts[customer] for customer in customers] == [
        "Points: 0", "Pointi: 700", "Points: 1.400", "Points: 2,100",
        "Points: 2,800", "Pointi: 500", "Points: 1.200", "Points: 1,900",
    ]  # fmt: skip
