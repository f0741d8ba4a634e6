"""When RabbitMQ is low on memory or disk, it blocks publishers. They report this and lose no message."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from leopard_local.rabbitmq import RabbitMQ
from leopard_local.service import Service
from leopard_local.stack import Stack
from recovery.campaigns import campaign_stats, create_campaign, wait_until_sent, wait_until_sent_count

ALARMS = {
    "low on memory": (("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "0.6")),
    "low on disk": (("set_disk_free_limit", "1000000000000000"), ("set_disk_free_limit", "50000000")),
}


@contextmanager
def alarm(rabbitmq: RabbitMQ, reason: str) -> Iterator[None]:
    raised, cleared = ALARMS[reason]
    rabbitmq.control(*raised)
    try:
        # wait for the alarm: a message published before it blocks no connection
        wait_until(lambda: reason.rsplit(maxsplit=1)[-1] in rabbitmq.control("eval", "rabbit_alarm:get_alarms()."))
        yield
    finally:
        rabbitmq.control(*cleared)


def get(service: Service, path: str) -> httpx2.Response:
    return httpx2.get(f"{service.url}{path}", timeout=5, trust_env=False)


def queue_health(service: Service) -> tuple[str, str | None]:
    """Return the state of a service's connection to RabbitMQ, and the note that limits its use."""
    body = get(service, "/health").json()
    return body["services"]["queue"], body.get("notes", {}).get("queue")


def is_blocked(service: Service) -> bool:
    return "leopard_broker_blocked 1.0" in get(service, "/metrics").text.splitlines()


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def blocked_dispatcher(stack: Stack) -> Service:
    """Wait for the dispatcher that RabbitMQ blocks. A connection is blocked when it publishes for the first time."""
    dispatchers = [service for name, service in stack.services.items() if name.startswith("dispatcher")]
    wait_until(lambda: any(map(is_blocked, dispatchers)))
    return next(filter(is_blocked, dispatchers))


@pytest.mark.parametrize("reason", list(ALARMS))
def test_an_alarm_is_reported_and_no_message_is_lost(stack: Stack, client: httpx2.Client, reason: str) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    sending, customers = create_campaign(client, stack, 1500)
    client.post(f"/campaigns/{sending}/send", json={"customer_ids": customers}).raise_for_status()
    wait_until_sent_count(client, sending, 50)
    logs_before = {name: len(service.child.log.read_text()) for name, service in stack.services.items()}
    with alarm(rabbitmq, reason):
        meanwhile, others = create_campaign(client, stack, 300)
        started = time.monotonic()
        client.post(f"/campaigns/{meanwhile}/send", json={"customer_ids": others}).raise_for_status()
        assert time.monotonic() - started < 5, "a send must not wait for the broker"
        dispatcher = blocked_dispatcher(stack)
        wait_until(lambda: queue_health(dispatcher) == ("connected", f"blocks publishing: {reason}"))
        # a failing task makes the service not ready after 15 s
        deadline = time.monotonic() + 17
        while time.monotonic() < deadline:
            assert queue_health(dispatcher) == ("connected", f"blocks publishing: {reason}")
            assert get(dispatcher, "/readyz").status_code == 200, "a blocked dispatcher must stay ready"
            time.sleep(0.5)
        stack.check()
        assert campaign_stats(client, meanwhile)["sent"] == 0
    wait_until_sent(client, sending, 1500)
    wait_until_sent(client, meanwhile, 300)
    for campaign_id in (sending, meanwhile):
        found = campaign_stats(client, campaign_id)
        assert (found["unknown_outcomes"], found["retries"]) == (0, 0), "a message was sent twice"
    wait_until(lambda: not is_blocked(dispatcher))
    assert queue_health(dispatcher) == ("connected", None)
    logged = dispatcher.child.log.read_text()[logs_before[dispatcher.child.name] :]
    assert f'"reason": "{reason}"' in logged
    assert "broker takes jobs again" in logged
    assert "TimeoutError" not in logged


def test_a_blocked_broker_that_is_killed_is_unavailable_and_no_longer_blocked(
    stack: Stack, client: httpx2.Client
) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    campaign_id, customers = create_campaign(client, stack, 300)
    with alarm(rabbitmq, "low on memory"):
        client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        dispatcher = blocked_dispatcher(stack)
        rabbitmq.kill()
        wait_until(lambda: queue_health(dispatcher) == ("disconnected", None))
        assert not is_blocked(dispatcher)
        rabbitmq.start()
        rabbitmq.wait_until_up()
    # the alarm ended with the process that raised it
    wait_until_sent(client, campaign_id, 300)
    stack.wait_until_ready()


def test_a_blocked_dispatcher_shuts_down_in_time(stack: Stack, client: httpx2.Client) -> None:
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    campaign_id, customers = create_campaign(client, stack, 300)
    with alarm(rabbitmq, "low on memory"):
        client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
        dispatcher = blocked_dispatcher(stack)
        started = time.monotonic()
        assert dispatcher.child.stop(seconds=60) == 0, dispatcher.child.tail()
        assert time.monotonic() - started < 15
    dispatcher.child.start()
    wait_until_sent(client, campaign_id, 300)
    stack.wait_until_ready()
