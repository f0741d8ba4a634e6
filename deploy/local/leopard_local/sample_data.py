"""Sample data for the demo and for a first look at Leopard."""

import random
from collections.abc import Iterator
from typing import Any

import httpx2

_FIRST = ["Alice", "Brian", "Carol", "David", "Esther", "Felix", "Grace", "Hassan", "Irene", "James", "Khadija", "Liam"]
_LAST = [
    "Mwangi",
    "Otieno",
    "Wanjiru",
    "Kamau",
    "Achieng",
    "Kiptoo",
    "Njeri",
    "Abdi",
    "Chebet",
    "Mutua",
    "Noor",
    "Odhiambo",
]
_PLACES = ["Nairobi", "Mombasa", "Kisumu", "Nakuru", "Eldoret", "Thika"]
_PRODUCTS = ["Running Shoes", "Smartphone", "Coffee Maker", "Backpack", "Headphones"]

CAMPAIGNS: list[dict[str, Any]] = [
    {
        "name": "Summer Sale",
        "channel": "sms",
        "base_template": "Hi {first_name}, {preferred_product} is on offer in {location}! Reply STOP to opt out.",
    },
    {
        "name": "Welcome",
        "channel": "whatsapp",
        "base_template": "Hello {first_name} {last_name} 👋 Welcome to our family!",
    },
    {
        "name": "New Year",
        "channel": "sms",
        "base_template": "Happy New Year, {first_name}!",
        "scheduled_at": "2099-01-01T00:00:00Z",
    },
]


def customers(count: int, *, start: int = 0) -> Iterator[dict[str, str | None]]:
    """Return customers with distinct phone numbers from `start` on. Some have no location or preferred product."""
    rng = random.Random(start)  # noqa: S311 sample data
    for index in range(count):
        yield {
            "phone": f"+2547{(start + index) % 10**8:08d}",
            "first_name": _FIRST[index % len(_FIRST)],
            "last_name": rng.choice(_LAST),
            "location": rng.choice(_PLACES) if rng.random() < 0.9 else None,
            "preferred_product": rng.choice(_PRODUCTS) if rng.random() < 0.9 else None,
        }


def load_samples(client: httpx2.Client) -> bool:
    """Create twelve customers and three campaigns, unless customers exist. Return whether it created them."""
    if client.get("/customers", params={"cursor": ""}).raise_for_status().json()["customers"]:
        return False
    for customer in customers(12):
        client.post("/customers", json=customer).raise_for_status()
    for campaign in CAMPAIGNS:
        client.post("/campaigns", json=campaign).raise_for_status()
    return True
