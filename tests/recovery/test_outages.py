"""While a store is unavailable, services stay up and report it. Afterwards they continue without help."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import psycopg

from leopard_local.stack import Stack
from recovery.campaigns import campaign_stats, create_campaign, wait_until_sent, wait_until_sent_count


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
    """Return the dependencies that each service reports. Check that all services are alive."""
    reported = {}
    for name, service in stack.services.items():
        started = time.monotonic()
        answer = httpx2.get(f"{service.url}/health", timeout=5)
        assert time.monotonic() - started < 2.5
        assert answer.status_code == (200 if answer.json()["status"] == "healthy" else 503)
        assert httpx2.get(f"{service.url}/livez", timeout=5).status_code == 200
        reported[name] = answer.json()["services"]
    return reported


def wait_until_all_report(stack: Stack, expected: dict[str, str], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (reported := health(stack)) != dict.fromkeys(stack.services, expected):
        assert time.monotonic() < deadline, reported
        time.sleep(0.2)


def logged_problems(stack: Stack) -> int:
    """Count the warnings and errors that all services have logged so far."""
    logs = (service.child.log.read_text() for service in stack.services.values())
    return sum('"level": "warning"' in line or '"level": "error"' in line for log in logs for line in log.splitlines())


def test_services_survive_a_database_that_refuses_connections(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 500)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    problems_before = logged_problems(stack)
    with refusing_logins(stack):
        wait_until_all_report(stack, {"database": "disconnected", "queue": "connected"})
        answer = client.get(f"/campaigns/{campaign_id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
        time.sleep(3)
        stack.check()
        new_problems = logged_problems(stack) - problems_before
    wait_until_all_report(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 500)
    # one for each loop and batcher of a process, and one for the failed request
    assert new_problems <= 4 * len(stack.services), "an outage must be logged only once"


def test_services_survive_a_restart_of_the_database(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 400)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    assert stack.stores.postgres is not None
    stack.stores.postgres.stop()
    stack.stores.postgres.start()
    wait_until_all_report(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 400)


def test_services_survive_an_outage_of_the_broker(stack: Stack, client: httpx2.Client) -> None:
    campaign_id, customers = create_campaign(client, stack, 500)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, campaign_id, 50)
    problems_before = logged_problems(stack)
    assert stack.stores.rabbitmq is not None
    stack.stores.rabbitmq.stop()
    wait_until_all_report(stack, {"database": "connected", "queue": "disconnected"})
    started = time.monotonic()
    meanwhile, others = create_campaign(client, stack, 200)
    answer = client.post(f"/campaigns/{meanwhile}/send", json={"customer_ids": others})
    assert answer.status_code == 200
    assert time.monotonic() - started < 5, "a send must not wait for the broker"
    time.sleep(4)
    stack.check()
    new_problems = logged_problems(stack) - problems_before
    assert campaign_stats(client, meanwhile)["sent"] == 0
    stack.stores.rabbitmq.start()
    stack.stores.rabbitmq.wait_until_up()
    wait_until_all_report(stack, {"database": "connected", "queue": "connected"})
    wait_until_sent(client, campaign_id, 500)
    wait_until_sent(client, meanwhile, 200)
    assert campaign_stats(client, campaign_id)["unknown_outcomes"] == 0, "a worker left a message in flight unrecorded"
    assert new_problems <= 4 * len(stack.services), "an outage must be logged only once"
