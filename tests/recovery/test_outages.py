"""While a store is unavailable, services stay up and report it; afterwards work continues by itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import psycopg

from leopard_local.stack import Stack
from recovery.campaigns import prepare, stats, wait_for, wait_until_sent


@contextmanager
def refusing_logins(stack: Stack) -> Iterator[None]:
    admin = stack.stores.database_url.rsplit("/", 1)[0] + "/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("ALTER DATABASE leopard ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'leopard'")
        try:
            yield
        finally:
            connection.execute("ALTER DATABASE leopard ALLOW_CONNECTIONS true")


def health(stack: Stack) -> dict[str, dict[str, str]]:
    """What every service says of its dependencies; checks that all of them are alive."""
    said = {}
    for name, service in stack.services.items():
        started = time.monotonic()
        answer = httpx2.get(f"{service.url}/health", timeout=5)
        assert time.monotonic() - started < 2.5
        assert answer.status_code == (200 if answer.json()["status"] == "healthy" else 503)
        assert httpx2.get(f"{service.url}/livez", timeout=5).status_code == 200
        said[name] = answer.json()["services"]
    return said


def wait_until_all_are(stack: Stack, expected: dict[str, str], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (said := health(stack)) != dict.fromkeys(stack.services, expected):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def lines_about_outages(stack: Stack) -> int:
    """How many warnings and errors all services have logged so far."""
    logs = (service.child.log.read_text() for service in stack.services.values())
    return sum('"level": "warning"' in line or '"level": "error"' in line for log in logs for line in log.splitlines())


def test_a_database_that_refuses_everybody(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = prepare(client, stack, 500)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_for(client, campaign_id, sent=50)
    said_before = lines_about_outages(stack)
    with refusing_logins(stack):
        wait_until_all_are(stack, {"database": "disconnected", "queue": "connected"})
        answer = client.get(f"/campaigns/{campaign_id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
        time.sleep(3)
        stack.check()
        said = lines_about_outages(stack) - said_before
    wait_until_all_are(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 500)
    # one for each loop and batcher of a process, and one for the request that was refused
    assert said <= 4 * len(stack.services), "an outage is logged once, not again and again"


def test_a_database_that_is_restarted(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = prepare(client, stack, 400)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_for(client, campaign_id, sent=50)
    assert stack.stores.postgres is not None
    stack.stores.postgres.stop()
    stack.stores.postgres.start()
    wait_until_all_are(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 400)


def test_a_broker_that_is_unavailable_and_comes_back(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = prepare(client, stack, 500)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_for(client, campaign_id, sent=50)
    said_before = lines_about_outages(stack)
    assert stack.stores.rabbitmq is not None
    stack.stores.rabbitmq.stop()
    wait_until_all_are(stack, {"database": "connected", "queue": "disconnected"})
    started = time.monotonic()
    meanwhile, others = prepare(client, stack, 200)
    answer = client.post(f"/campaigns/{meanwhile}/send", json={"customer_ids": others})
    assert answer.status_code == 200
    assert time.monotonic() - started < 5, "a send waits for no broker"
    time.sleep(4)
    stack.check()
    said = lines_about_outages(stack) - said_before
    assert stats(client, meanwhile)["sent"] == 0
    stack.stores.rabbitmq.start()
    stack.stores.rabbitmq.wait_until_up()
    wait_until_all_are(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 500)
    wait_until_sent(client, meanwhile, 200)
    assert stats(client, campaign_id)["unknown_outcomes"] == 0, "what was in flight was finished and recorded"
    assert said <= 4 * len(stack.services), "an outage is logged once, not again and again"
