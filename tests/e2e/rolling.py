"""Replace every pod during a campaign, then compare its messages with the simulator's ledger.

`python -m e2e.rolling --api URL --simulator URL -- COMMAND...` runs the command during the campaign.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

from e2e.campaigns import all_messages, create_campaign, create_customers, wait_until_finished
from leopard_local.http_client import http_client

SLOW = {"latency_min_seconds": 1, "latency_max_seconds": 3}
"""A latency that makes the campaign last longer than the replacement of the pods."""


@dataclass(frozen=True)
class Outcome:
    """Numbers of messages. `left` were unsent after the replacement."""

    recipients: int
    sent: int
    left: int
    lost: int
    duplicates: int

    @property
    def good(self) -> bool:
        """Whether each recipient got one message, and the campaign lasted longer than the replacement."""
        return self.sent == self.recipients and self.left > 0 and self.lost == self.duplicates == 0


def send_while(api_url: str, simulator_url: str, replace: Callable[[], str], recipients: int) -> Outcome:
    """Send a campaign, and call `replace` during it, which returns the URL of the API afterwards."""
    with _behaviour(simulator_url, SLOW):
        with http_client(api_url, timeout=60) as client:
            customers = create_customers(client, recipients)
            campaign_id = create_campaign(client, name="rolled")
            client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        time.sleep(1)
        with http_client(replace(), timeout=60) as client:
            _wait_until_api_answers(client)
            left = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["stats"]["pending"]
            campaign = wait_until_finished(client, campaign_id)
            messages = {message["id"] for message in all_messages(client, campaign_id)}
    ledger = httpx2.get(f"{simulator_url}/ledger", timeout=60, trust_env=False).raise_for_status().json()
    accepted = Counter(entry["message_id"] for entry in ledger)
    return Outcome(
        recipients=recipients,
        sent=campaign["stats"]["sent"],
        left=left,
        lost=len([one for one in messages if not accepted[one]]),
        duplicates=len([one for one in messages if accepted[one] > 1]),
    )


@contextmanager
def _behaviour(simulator_url: str, changes: Mapping[str, float]) -> Iterator[None]:
    with http_client(simulator_url) as client:
        before = client.get("/behaviour").raise_for_status().json()
        client.put("/behaviour", json=changes).raise_for_status()
        try:
            yield
        finally:
            client.put("/behaviour", json={name: before[name] for name in changes}).raise_for_status()


def _wait_until_api_answers(client: httpx2.Client, *, seconds: float = 15) -> None:
    """Retry requests: a port forward notices the replacement of its pod only when a request fails."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.get("/livez").raise_for_status()
        except httpx2.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def main() -> int:
    """Run the command during a campaign. Return 0 if no message was lost or sent twice."""
    parser = argparse.ArgumentParser(prog="e2e.rolling", description=__doc__)
    parser.add_argument("--api", required=True)
    parser.add_argument("--simulator", required=True)
    parser.add_argument("--recipients", type=int, default=6000)
    parser.add_argument("command", nargs="+")
    parsed = parser.parse_args()

    def replace() -> str:
        subprocess.run(parsed.command, check=True)
        return str(parsed.api)

    outcome = send_while(parsed.api, parsed.simulator, replace, parsed.recipients)
    print(outcome)  # noqa: T201
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
