"""During an upgrade an old worker runs beside a new API and dispatcher. It sends nothing that it does not know."""

import io
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from e2e.campaigns import create_campaign, create_customers, wait_until_finished
from leopard_local.__main__ import PACKAGES
from leopard_local.children import Child
from leopard_local.http_client import http_client
from leopard_local.ports import LOOPBACK, free_port
from leopard_local.service import Service
from leopard_local.stack import Stack, running_stack

ROOT = Path(__file__).resolve().parents[2]
PERSONALIZED = "shared/src/leopard/db/migrations/versions/0007_personalized_campaigns.py"
SOURCES = ("shared/src", "services/sender-worker/src")
SETTINGS = {
    "lease_seconds": "2",
    "sweep_seconds": "1",
    "mock_success_rate": "1",
    "mock_latency_min_seconds": "0",
    "mock_latency_max_seconds": "0",
}


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def old_sources() -> Iterator[Path]:
    """The worker as it was before campaigns had filters, conditions, languages and variants."""
    added = git("log", "--diff-filter=A", "--format=%H", "--", PERSONALIZED).decode().split()
    assert added, "the git history is needed: clone with all commits (git fetch --unshallow)"
    with tempfile.TemporaryDirectory(prefix="leopard-old-") as folder:
        with tarfile.open(fileobj=io.BytesIO(git("archive", f"{added[-1]}^", *SOURCES))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


@pytest.fixture
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="leopard-upgrade-") as folder:
        Path(folder).chmod(0o755)
        with running_stack(Path(folder), packages=PACKAGES, workers=0, settings=SETTINGS) as started:
            yield started


def start_old_worker(stack: Stack, sources: Path) -> Service:
    port = free_port()
    environment = {
        "PYTHONPATH": ":".join(str(sources / source) for source in SOURCES),
        "LEOPARD_DATABASE_URL": stack.stores.database_url,
        "LEOPARD_AMQP_URL": stack.stores.amqp_url,
        "LEOPARD_HOST": LOOPBACK,
        "LEOPARD_PORT": str(port),
        **{f"LEOPARD_{name.upper()}": value for name, value in SETTINGS.items()},
    }
    command = [sys.executable, "-c", "from sender_worker.main import main; main()"]
    service = Service(Child("old-worker", command, stack.folder / "logs/old-worker.log", environment), port)
    service.child.start()
    stack.services["old-worker"] = service
    return service


def states(stack: Stack, campaign_id: int) -> set[tuple[str, str | None]]:
    with psycopg.connect(stack.stores.database_url) as connection:
        found = connection.execute(
            "SELECT status, rendered_content FROM outbound_messages WHERE campaign_id = %s", [campaign_id]
        )
        return set(found.fetchall())


def test_a_personalized_message_waits_for_a_worker_that_knows_it(stack: Stack, old_sources: Path) -> None:
    old = start_old_worker(stack, old_sources)
    stack.wait_until_ready()
    with http_client(stack.api_url) as client:
        customers = create_customers(client, 30)
        personalized = create_campaign(client, base_template="{first_name|uppercase}{{if location}}!{{end}}")
        held_out = create_campaign(client, holdout_percent=50)
        plain = create_campaign(client)
        for campaign_id in (personalized, held_out, plain):
            client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        assert wait_until_finished(client, plain)["stats"]["sent"] == 30, "an old worker still sends what it knows"
        # several leases and sweeps, which publish jobs again
        time.sleep(6)
        assert states(stack, personalized) == states(stack, held_out) == {("pending", None)}
        stack.start_service("sender-worker", settings=SETTINGS)
        assert wait_until_finished(client, personalized)["stats"]["sent"] == 30
        wait_until_finished(client, held_out)
        assert states(stack, personalized) == {("sent", f"CUSTOMER {number}") for number in range(30)}
        assert old.child.running
