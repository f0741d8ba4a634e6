"""`python -m e2e.first_campaign --api URL`: send the first campaign of a new installation by the documented requests.

docs/kubernetes.md has them as commands of curl; only their host is replaced. The last is repeated until the campaign is
finished.
"""

import argparse
import json
import subprocess
import time
from typing import Any

from chart.documented import commands

HOST = "https://campaigns.example.com"
_SECONDS = 60


class FirstCampaignError(Exception):
    """A documented request failed, or the campaign did not finish; says what was answered."""


def send_first_campaign(api_url: str) -> str:
    """Run the documented commands; the status of the finished campaign.

    Raises:
        FirstCampaignError: An answer was an error, or the campaign did not finish in time.
    """
    requests = [command for command in commands("Production") if command.startswith("curl ")]
    for command in requests[:-1]:
        _answer(command, api_url)
    deadline = time.monotonic() + _SECONDS
    while (campaign := _answer(requests[-1], api_url))["status"] not in {"sent", "failed"}:
        if time.monotonic() > deadline:
            raise FirstCampaignError(f"not finished after {_SECONDS} s: {campaign}")
        time.sleep(0.5)
    return str(campaign["status"])


def _answer(command: str, api_url: str) -> Any:
    """What a documented command prints, as JSON."""
    here = command.replace(HOST, api_url).replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
    done = subprocess.run(["sh", "-c", here], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise FirstCampaignError(f"{command}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="e2e.first_campaign", description=__doc__)
    parser.add_argument("--api", required=True, help="URL of campaign-api of an installation without campaigns")
    print(send_first_campaign(parser.parse_args().api))  # noqa: T201 the outcome
