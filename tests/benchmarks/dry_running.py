"""Dry runs of a large audience: their rate, the API's memory, and how long other requests wait meanwhile."""

import time
from statistics import median, quantiles
from typing import Any, Final

import httpx2
import psycopg

from benchmarks.dataset import TEMPLATE, ensure_customers
from benchmarks.importing import MemoryWatch
from benchmarks.run import Run
from benchmarks.whole_system import SETTINGS
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack

MOST_SECONDS: Final = 60
MOST_RSS_MB: Final = 150

_ATTRIBUTES: Final = """
UPDATE customers
   SET preferred_language = (ARRAY['en', 'sw-KE'])[1 + id % 2], time_zone = 'Africa/Nairobi',
       attributes = jsonb_build_object('points', id % 5000, 'tier', (ARRAY['gold', 'silver'])[1 + id % 2])
"""

_ENGLISH: Final = (
    'Hi {first_name|titlecase|default:"friend"}, you have {points|number} points.'
    "{{if points > 1000}} Get {preferred_product|uppercase} in {location} now!{{end}}"
)
_SWAHILI: Final = (
    'Habari {first_name|titlecase}, una pointi {points|number}.{{if tier == "gold"}} Asante, mteja wa dhahabu!{{end}}'
)
_CAMPAIGNS: Final[dict[str, dict[str, Any]]] = {
    "plain placeholders": {"base_template": TEMPLATE},
    "filters, conditions, two languages, two variants, a hold-out": {
        "variants": [
            {"name": name, "weight": 1, "base_template": _ENGLISH, "templates": {"sw": _SWAHILI}} for name in "ab"
        ],
        "holdout_percent": 5,
    },
}
_PRICES: Final = {"currency": "KES", "prefixes": {"+254": "0.80", "+2547": "0.65"}, "default": "6"}


def dry_running(run: Run) -> None:
    """Measure dry runs of all customers."""
    customers = run.sizes.dry_run
    seconds: dict[str, list[float]] = {name: [] for name in _CAMPAIGNS}
    waits: list[float] = []
    with running_stack(run.folder / "system", packages=run.packages, settings=SETTINGS, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, customers)
        with psycopg.connect(stack.stores.database_url, autocommit=True) as connection:
            connection.execute(_ATTRIBUTES)
            connection.execute("INSERT INTO customer_fields (name, type) VALUES ('points', 'number'), ('tier', 'text')")
            connection.execute("VACUUM (ANALYZE) customers")
        with (
            http_client(stack.api_url, timeout=600) as client,
            MemoryWatch(stack.services["campaign-api"].child) as rss,
        ):
            for _ in range(run.sizes.repeats):
                for name, texts in _CAMPAIGNS.items():
                    seconds[name].append(_run(client, stack, texts, customers, waits))
                    run.report.say(f"   {name}: {customers / seconds[name][-1]:,.0f} recipients/s")
    rates = {name: customers / median(taken) for name, taken in seconds.items()}
    run.report.keep("dry run, recipients/s", rates)
    run.report.table(f"dry run of {customers:,} recipients", ("", "recipients/s"), list(rates.items()))
    for name, taken in seconds.items():
        run.ratios[f"dry run of {customers:,}, {name}, seconds"] = median(taken), f"< {MOST_SECONDS}"
    run.ratios["API's highest RSS during dry runs, MB"] = rss.highest_mb, f"< {MOST_RSS_MB}"
    if len(waits) > 1:
        run.ratios["99th percentile of a GET during a dry run, ms"] = quantiles(waits, n=100)[98] * 1000, "some"


def _run(client: httpx2.Client, stack: Stack, texts: dict[str, Any], customers: int, waits: list[float]) -> float:
    """Run one dry run to its end, and ask for its progress meanwhile; returns its seconds."""
    campaign = {"name": "bench", "channel": "sms", **texts}
    campaign_id = client.post("/campaigns", json=campaign).raise_for_status().json()["id"]
    began = time.monotonic()
    request = {"audience": {"all": True}, "prices": _PRICES}
    found = client.post(f"/campaigns/{campaign_id}/dry-run", json=request).raise_for_status().json()
    while found["status"] == "running":
        stack.check()
        time.sleep(0.02)
        asked = time.monotonic()
        found = client.get(f"/dry-runs/{found['id']}").raise_for_status().json()
        waits.append(time.monotonic() - asked)
    taken = time.monotonic() - began
    report = found["report"]
    assert report["recipients"] == report["messages"] + report["held_out"] == customers, found
    return taken
