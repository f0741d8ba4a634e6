"""A dry run says what the send then does."""

import random
from collections import Counter
from typing import Any

import httpx2

from e2e.campaigns import all_messages, create_campaign, wait_until_finished
from leopard.domain.blank_text import is_blank
from leopard.domain.sms_segments import sms_segments

CUSTOMERS = 400
TOTAL_KEYS = ("recipients", "held_out", "messages", "empty", "failed")
NAMES = ["Alice", "Wanjirũ", "Жанна", "{first_name}", "[x]" * 60, "😀" * 40, None, "  "]
VARIANTS: list[dict[str, Any]] = [
    {
        "name": "a",
        "weight": 3,
        "base_template": "{first_name|trim}{{if e2e_points > 5}} {e2e_points|number}{{end}}",
        "templates": {"sw": "Habari {first_name|default:'rafiki'}".replace("'", '"')},
    },
    {"name": "b", "weight": 1, "base_template": "{first_name|uppercase}"},
]


def create_mixed_customers(client: httpx2.Client, place: str) -> None:
    chance = random.Random(15)
    start = random.randrange(10**8)
    customers = [
        {
            "phone": f"+{chance.choice(['2547', '4915'])}{(start + n) % 10**8:08d}",
            "first_name": chance.choice(NAMES),
            "location": place,
            "preferred_language": chance.choice([None, "sw-KE", "en"]),
            "attributes": {"e2e_points": chance.randrange(10)} if chance.random() < 0.8 else {},
        }
        for n in range(CUSTOMERS)
    ]
    answer = client.post("/customers/batch", json={"customers": customers}).raise_for_status().json()
    assert {one["result"] for one in answer["results"]} == {"created"}


def test_a_dry_run_counts_what_the_send_then_does(client: httpx2.Client) -> None:
    place = f"Place {random.random()}"
    create_mixed_customers(client, place)
    campaign_id = create_campaign(client, variants=VARIANTS, holdout_percent=10)
    audience = {"filter": {"location": place}}
    prices = {"currency": "KES", "prefixes": {"+254": "0.80"}, "default": "9.05"}
    request = {"audience": audience, "prices": prices}
    answer = client.post(f"/campaigns/{campaign_id}/dry-run", json=request).raise_for_status().json()
    report = answer["report"]
    assert answer["status"] == "done"
    assert all_messages(client, campaign_id) == []
    client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}).raise_for_status()
    stats = wait_until_finished(client, campaign_id)["stats"]
    messages = all_messages(client, campaign_id)
    texts = {one["customer_id"]: one["rendered_content"] for one in messages}
    shown = {customer: text for customer, text in texts.items() if not is_blank(text)}
    assert [report[key] for key in TOTAL_KEYS] == [
        CUSTOMERS, stats["held_out"], len(shown), len(texts) - len(shown), 0,
    ]  # fmt: skip
    assert min(report["held_out"], report["empty"]) > 0
    sizes = [sms_segments(text).segments for text in shown.values()]
    assert {one["segments"]: one["messages"] for one in report["sms"]["distribution"]} == Counter(sizes)
    assert len(set(sizes)) > 1
    assert len(report["samples"]) == 20
    for sample in (*report["samples"], report["longest"]):
        assert sample["text"] == shown[sample["customer_id"]]
    variants = Counter(one["variant"] for one in messages if one["customer_id"] in shown)
    assert {one["variant"]: one["messages"] for one in report["variants"]} == variants
    totals = {one["name"]: one["total"] for one in stats["variants"]}
    assert sum(totals.values()) == report["messages"] + report["empty"]
